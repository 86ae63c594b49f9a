"""The first steps of a server are ticked by facts."""

from __future__ import annotations

from chalicelib.domain.people.roles import Role
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from tests.page_browser import Browser, signed_in
from tests.worlds import Scene

START = "/org/fresh/servers/main/start"


async def fresh(scene: Scene, role: Role = Role.OWNER) -> Browser:
    program = scene.posthorn
    organization = await program[Organizations].create("Fresh")
    await program[Servers].create(organization, "Main")
    return await signed_in(program, f"{role.value}@fresh.test", role, organization)


async def test_a_new_server_has_all_before_it(scene: Scene) -> None:
    shown = await (await fresh(scene)).get(START)
    assert "7 of 7 are left" in shown.text
    assert shown.has_button("Send a message to owner@fresh.test")


async def test_a_domain_is_added_in_place_and_ticked(scene: Scene) -> None:
    boss = await fresh(scene)
    added = await boss.submit(await boss.get(START), "Add this domain", name="fresh.test")
    assert added.path == "/org/fresh/servers/main/domains/fresh.test"
    shown = await boss.get(START)
    assert "6 of 7 are left" in shown.text
    assert "/org/fresh/servers/main/domains/fresh.test" in shown.addresses


async def test_what_came_with_a_key_is_seen(scene: Scene, owner: Browser) -> None:
    assert "Listening" in (await owner.get("/org/acme/servers/app/start")).text
    await scene.accept("john@example.com")
    shown = await owner.get("/org/acme/servers/app/start")
    assert "Listening" not in shown.text
    assert "Hello" in shown.text


async def test_what_a_person_sends_by_hand_is_not_of_an_application(
    scene: Scene, owner: Browser
) -> None:
    form = await owner.get("/org/acme/servers/app/messages/new")
    sent = await owner.submit(form, "Send the test message")
    assert "It was accepted" in sent.text
    shown = await owner.get("/org/acme/servers/app/start")
    assert "Listening" in shown.text
    await scene.accept("john@example.com")
    assert "Listening" not in (await owner.get("/org/acme/servers/app/start")).text


async def test_going_live_asks_for_an_address(scene: Scene, owner: Browser) -> None:
    form = await owner.get("/org/acme/servers/app/start")
    wrong = await owner.submit(form, "Keep this address", postmaster_address="nobody")
    assert (wrong.status, 'id="e-postmaster_address"' in wrong.html) == (422, True)
    after = await owner.submit(form, "Keep this address", postmaster_address="post@acme.test")
    assert "post@acme.test" in after.text


async def test_a_viewer_is_offered_no_step(scene: Scene) -> None:
    shown = await (await fresh(scene, Role.VIEWER)).get(START)
    assert shown.status == 200
    assert not [
        words
        for one in shown.forms
        for words, _, _ in one.buttons
        if "Send" in words or "Add" in words
    ]


async def test_the_list_is_hidden_after_step_5_and_comes_back_in_help(
    scene: Scene, owner: Browser, viewer: Browser
) -> None:
    start = "/org/acme/servers/app/start"
    assert not (await owner.get(start)).has_button("Hide this list")
    await scene.accept("john@example.com")
    shown = await owner.get(start)
    assert shown.html.count("First steps</a>") == 2, "beside the page, and in Help"
    hidden = await owner.submit(shown, "Hide this list")
    assert "It stays in Help" in hidden.text
    assert hidden.html.count("First steps</a>") == 1
    again = await owner.submit(await owner.get(start), "Show this list beside all pages")
    assert again.html.count("First steps</a>") == 2
    assert (await viewer.get("/org/acme/servers/app")).html.count("First steps</a>") == 1
