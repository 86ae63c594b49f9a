"""Keys: shown once with examples, rolled, changed and revoked; and who may."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.config import Settings
from chalicelib.domain.people.roles import Role
from chalicelib.web.snippets import Submission, by_api, by_smtp
from tests.page_browser import Browser, Shown, signed_in
from tests.web.offered import offered
from tests.worlds import Scene, make_scene

KEYS = "/org/acme/servers/app/keys"
HOSTILE = '"><script>alert(1)</script>\u202e'


async def made(browser: Browser, **values: Any) -> Shown:
    form = await browser.get(f"{KEYS}/new")
    return await browser.submit(form, "Create this key", **{"name": "Shop", **values})


async def test_a_key_is_shown_once_with_examples_that_have_it(owner: Browser) -> None:
    shown = await made(owner)
    assert shown.status == 200
    key = re.search(r"<code>(ph_\w+)</code>", shown.html)
    assert key is not None
    for words in ("curl", "Python", "Node", "PHP", "Ruby", "shown here and never again"):
        assert words in shown.text
    assert shown.html.count(key[1]) >= 6
    assert "hello@acme.test" in shown.text
    listed = await owner.get(KEYS)
    assert key[1] not in listed.html
    assert f"…{key[1][-4:]}" in listed.text


async def test_a_form_that_is_sent_again_makes_no_second_key(owner: Browser) -> None:
    form = await owner.get(f"{KEYS}/new")
    first = await owner.submit(form, "Create this key", name="Shop")
    again = await owner.submit(form, "Create this key", name="Shop")
    keys = {re.search(r"ph_\w+", one.text)[0] for one in (first, again)}  # type: ignore[index]
    assert len(keys) == 1
    assert (await owner.get(KEYS)).text.count("Shop") == 1


async def test_an_smtp_key_comes_with_where_to_send_to(owner: Browser) -> None:
    shown = await made(owner, kind="SMTP", scopes=[])
    assert "smtplib" in shown.text
    assert "acme/app" in shown.text


async def test_where_to_send_to_is_listed_with_the_keys(owner: Browser) -> None:
    shown = await owner.get(KEYS)
    for words in ("SMTP host", "Port", "User name", "acme/app", "/api/v2/emails"):
        assert words in shown.text


async def test_what_is_wrong_stands_beside_its_field(owner: Browser) -> None:
    for values, field in (
        ({"name": ""}, "name"),
        ({"name": "x" * 10_000}, "name"),
        ({"networks": "everywhere"}, "networks"),
        ({"expires_at": "2001-01-01"}, "expires_at"),
        ({"scopes": ["installation:write"]}, "scopes"),
    ):
        shown = await made(owner, **values)
        assert shown.status in (403, 422), values
        assert shown.status == 403 or field in shown.html
    assert "No key yet" not in (await owner.get(KEYS)).text
    hostile = await made(owner, name=HOSTILE)
    assert "<script>alert" not in hostile.html


async def test_a_key_is_changed(owner: Browser) -> None:
    await made(owner)
    one = await owner.get((await owner.get(KEYS)).links["Shop"])
    saved = await owner.submit(one, "Save", name="Web shop", hold="1", send_limit="100")
    assert "“Web shop” is saved" in saved.text
    assert "Holds all mail" in saved.text
    again = await owner.get(saved.links["Web shop"])
    assert again.form("Save").fields["send_limit"] == ["100"]
    wrong = await owner.submit(again, "Save", send_limit="many")
    assert wrong.status == 422
    assert 'value="many"' in wrong.html


async def test_a_key_that_has_ended_is_renamed_and_stays_ended(
    scene: Scene, owner: Browser
) -> None:
    await made(owner)
    one = await owner.get((await owner.get(KEYS)).links["Shop"])
    end = datetime.fromtimestamp(scene.clock.now() + 60, UTC).isoformat()
    await owner.submit(one, "Save", expires_at=end)
    scene.clock.advance(120)
    ended = await owner.get((await owner.get(KEYS)).links["Shop"])
    saved = await owner.submit(ended, "Save", name="Old shop")
    assert "“Old shop” is saved" in saved.text
    kept = await owner.get(saved.links["Old shop"])
    assert kept.form("Save").fields["expires_at"] == ended.form("Save").fields["expires_at"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("2099-01-31", "2099-01-31T00:00:00"),
        ("2099-01-31T10:00", "2099-01-31T10:00:00"),
        ("2099-01-31 10:00:30", "2099-01-31T10:00:30"),
        ("2099-01-31T10:00:00-05:00", "2099-01-31T15:00:00"),
        ("2099-01-31t10:00z", "2099-01-31T10:00:00"),
    ],
)
async def test_an_end_is_typed_as_people_type_it(owner: Browser, typed: str, kept: str) -> None:
    await made(owner)
    where = (await owner.get(KEYS)).links["Shop"]
    await owner.submit(await owner.get(where), "Save", expires_at=typed)
    (shown,) = (await owner.get(where)).form("Save").fields["expires_at"]
    assert shown.startswith(kept)


async def test_a_key_is_rolled_and_the_old_one_ends_later_or_now(owner: Browser) -> None:
    await made(owner)
    where = (await owner.get(KEYS)).links["Shop"]
    rolled = await owner.submit(await owner.get(where), "Roll this key", old_ends="24")
    assert re.search(r"ph_\w+", rolled.text)
    assert "The old key ends in 24 hours" in rolled.text
    assert (await owner.get(where)).form("Save").fields["expires_at"] != [""]
    now = await owner.submit(await owner.get(where), "Roll this key", old_ends="0")
    assert "The old key ends now" in now.text
    assert (await owner.get(where)).status == 404


async def test_revoking_says_whether_it_is_in_use(owner: Browser) -> None:
    await made(owner)
    where = (await owner.get(KEYS)).links["Shop"]
    asked = await owner.get(f"{where}/revoke")
    assert "It was never used" in asked.text
    gone = await owner.submit(asked, "Revoke this key")
    assert "The key is revoked" in gone.text
    assert (await owner.get(where)).status == 404


async def test_without_a_key_the_page_says_what_one_is_for() -> None:
    from chalicelib.domain.people.roles import Role
    from chalicelib.services.tenancy.servers import Servers
    from tests.page_browser import signed_in

    scene = await make_scene()
    await scene.posthorn[Servers].create(scene.organization, "Empty")
    owner = await signed_in(scene.posthorn, "o@acme.test", Role.OWNER, scene.organization)
    shown = await owner.get("/org/acme/servers/empty/keys")
    assert "No key yet" in shown.text


async def test_a_viewer_sees_names_and_nothing_to_change(viewer: Browser, owner: Browser) -> None:
    await made(owner)
    shown = await viewer.get(KEYS)
    assert "Shop" in shown.text
    assert offered(shown) == set()
    assert "Create a key" not in shown.text
    where = (await owner.get(KEYS)).links["Shop"]
    for path in (f"{KEYS}/new", where, f"{where}/revoke"):
        assert (await viewer.get(path)).status == 403
    token = owner_token(shown)
    for path in (KEYS, where, f"{where}/roll", f"{where}/revoke"):
        assert (await viewer.post(path, {"csrf": token, "name": "x"})).status == 403


def owner_token(shown: Shown) -> str:
    return next(one.fields["csrf"][0] for one in shown.forms if "csrf" in one.fields)


async def test_connection_data_that_cannot_be_had_leave_the_keys(
    owner: Browser, broken: Callable[..., None]
) -> None:
    broken("/installation")
    shown = await owner.get(KEYS)
    assert shown.status == 200
    assert "Could not be loaded" in shown.text


async def test_many_keys_are_a_page_of_them(scene: Scene, owner: Browser) -> None:
    form = await owner.get(f"{KEYS}/new")
    for at in range(32):
        once = f"once-{at}"
        await owner.submit(form, "Create this key", name=f"Key {at}", once=once)
    shown = await owner.get(KEYS)
    assert "30 keys, newest first" in shown.text
    assert shown.nodes < 1_500
    assert (await owner.get(shown.links["Older"])).text.count("Key ") >= 2


@pytest.mark.parametrize("name", ["curl", "Python", "Node", "PHP", "Ruby"])
def test_examples_have_all_that_is_needed(name: str) -> None:
    found = {one.name: one.text for one in by_api("https://mail.example", "ph_KEY", "a@b.example")}
    assert "https://mail.example/api/v2/emails" in found[name]
    assert "ph_KEY" in found[name]
    assert "a@b.example" in found[name]


def test_examples_in_python_are_python() -> None:
    place = Submission("smtp.example", 587, "acme/app")
    for one in (*by_api("https://x.example", "k", "a@b.c"), *by_smtp(place, "k", "a@b.c")):
        if one.name == "Python":
            compile(one.text, "example", "exec")


async def test_the_local_stack_is_reached_where_it_listens() -> None:
    """Its name is of a zone that no resolver of the machine knows."""
    scene = await make_scene(Settings(web_url="http://localhost:8080", clock_file="clock"))
    browser = await signed_in(scene.posthorn, "ada@acme.test", Role.OWNER, scene.organization)
    shown = await browser.get("/org/acme/servers/app/keys")
    assert "<code>127.0.0.1</code>" in shown.html
    form = await browser.get("/org/acme/servers/app/keys/new")
    made = await browser.submit(form, "Create this key", name="App", kind="SMTP", scopes=None)
    assert "--server 127.0.0.1:" in made.text
    assert scene.posthorn.settings.smtp_hostname not in made.text
