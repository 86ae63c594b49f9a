"""Organizations, their servers, and what is set there."""

from __future__ import annotations

from chalicelib.domain.people.roles import Role
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.removal import RemoveTenants
from chalicelib.services.tenancy.servers import Servers
from tests.page_browser import Browser, join, make_user, signed_in
from tests.worlds import Scene


async def test_the_only_server_is_gone_to_at_once(owner: Browser) -> None:
    shown = await owner.get("/")
    assert (shown.path, shown.status) == ("/org/acme/servers/app", 200)
    assert (await owner.get("/?all=1")).path == "/?all=1"


async def test_the_only_organization_is_gone_to_at_once(scene: Scene, owner: Browser) -> None:
    await scene.posthorn[Servers].create(scene.organization, "Other")
    assert (await owner.get("/")).path == "/org/acme"


async def test_several_organizations_are_listed(scene: Scene) -> None:
    user = await make_user(scene.posthorn, "both@acme.test")
    other = await scene.posthorn[Organizations].create("<script>alert(1)</script>")
    await join(scene.posthorn, user, scene.organization, Role.VIEWER)
    await join(scene.posthorn, user, other, Role.VIEWER)
    shown = await (await signed_in(scene.posthorn, user=user)).get("/")
    assert {"/org/acme", f"/org/{other.permalink}"} <= shown.addresses
    assert "<script>alert" not in shown.html


async def test_an_operator_without_any_is_told_to_make_one(scene: Scene) -> None:
    from chalicelib.bootstrap import in_memory

    empty = in_memory(None, {})
    shown = await (await signed_in(empty, role=None, admin=True)).get("/")
    assert shown.links["Create the first organization"] == "/organizations/new"


async def test_an_operator_makes_an_organization_and_its_first_server(admin: Browser) -> None:
    form = await admin.get("/organizations/new")
    wrong = await admin.submit(form, "Create this organization", name="X", permalink="mail")
    assert wrong.status == 422
    assert wrong.title.startswith("Error: ")
    assert 'value="X"' in wrong.html
    after = await admin.submit(
        wrong, "Create this organization", name="Fresh & Co", permalink="fresh"
    )
    assert after.path == "/org/fresh/servers/new"
    assert "Fresh & Co is made" in after.text
    answer = await admin.submit(after, "Create this server", name="Main", mode="Development")
    assert answer.path == "/org/fresh/servers/main/start"
    assert "Development" in (await admin.get("/org/fresh")).text


async def test_members_do_not_make_organizations(owner: Browser) -> None:
    assert (await owner.get("/organizations/new")).status == 403
    shown = await owner.get("/?all=1")
    assert "/organizations/new" not in shown.addresses


async def test_an_organization_without_a_server_says_what_one_is(scene: Scene) -> None:
    empty = await scene.posthorn[Organizations].create("Empty")
    boss = await signed_in(scene.posthorn, "b@x.test", Role.OWNER, empty)
    assert (await boss.get("/org/empty")).links["Create the first server"]
    looker = await signed_in(scene.posthorn, "v@x.test", Role.VIEWER, empty)
    shown = await looker.get("/org/empty")
    assert "/org/empty/servers/new" not in shown.addresses
    assert "Only an admin" in shown.text
    assert (await looker.get("/org/empty/servers/new")).status == 403


async def test_many_servers_are_a_page_of_them(scene: Scene, owner: Browser) -> None:
    for number in range(120):
        await scene.posthorn[Servers].create(scene.organization, f"Server {number}")
    shown = await owner.get("/org/acme")
    assert shown.nodes < 2_500
    older = await owner.get(shown.links["Older"])
    assert older.status == 200


async def test_settings_are_changed_and_what_is_wrong_stands_at_its_field(owner: Browser) -> None:
    form = await owner.get("/org/acme/settings")
    wrong = await owner.submit(form, "Save", name="Acme", time_zone="Nowhere/Town")
    assert wrong.status == 422
    assert 'id="e-time_zone"' in wrong.html
    after = await owner.submit(form, "Save", name="Acme <b>Mail</b>", time_zone="Europe/Berlin")
    assert "Saved" in after.text
    assert "Acme <b>Mail</b>" in after.text
    assert "<b>Mail" not in after.html


async def test_limits_are_for_operators(owner: Browser, admin: Browser) -> None:
    assert not (await owner.get("/org/acme/settings")).has_button("Save the limits")
    form = await admin.get("/org/acme/settings")
    after = await admin.submit(form, "Save the limits", send_limit="5,000")
    assert "Saved" in after.text
    assert "5,000" in (await owner.get("/org/acme/settings")).text
    wrong = await admin.submit(form, "Save the limits", send_limit="many")
    assert wrong.status == 422
    assert 'value="many"' in wrong.html


async def test_rates_are_for_operators(owner: Browser, admin: Browser) -> None:
    form = await admin.get("/org/acme/settings")
    after = await admin.submit(form, "Save the limits", bounce_rate_limit="7.5")
    assert "Saved" in after.text
    assert "7.5 % bounces" in (await owner.get("/org/acme/settings")).text
    for field in ("complaint_rate_limit", "bounce_rate_limit", "rate_limit_count"):
        for wrong in ("0", "101", "<script>alert(1)</script>", "9" * 10_000):
            if (field, wrong) == ("rate_limit_count", "101"):
                continue
            shown = await admin.submit(form, "Save the limits", **{field: wrong})
            assert shown.status == 422
            assert f'id="e-{field}"' in shown.html
            assert "<script>alert" not in shown.html


async def test_a_viewer_changes_no_settings(viewer: Browser) -> None:
    assert (await viewer.get("/org/acme/settings")).status == 403
    assert "/org/acme/settings" not in (await viewer.get("/org/acme")).addresses


async def test_a_management_key_is_shown_once(owner: Browser) -> None:
    form = await owner.get("/org/acme/keys")
    assert "No key yet" in form.text
    wrong = await owner.submit(form, "Create this key", name="terraform")
    assert (wrong.status, 'value="terraform"' in wrong.html) == (422, True)
    made = await owner.submit(form, "Create this key", name="terraform", scopes=["domains:write"])
    assert made.status == 200
    assert "phm_" in made.html
    listed = await owner.get("/org/acme/keys")
    assert "terraform" in listed.text
    assert "phm_" not in listed.html
    (one,) = [each for each in listed.addresses if each.startswith("/org/acme/keys/")]
    form = await owner.get(one)
    assert "It may domains:write" in form.text
    wrong = await owner.submit(form, "Save", networks="nowhere")
    assert (wrong.status, "nowhere</textarea>" in wrong.html) == (422, True)
    given = {"name": "ansible", "networks": "192.0.2.0/24", "expires_at": "2099-01-31"}
    listed = await owner.submit(form, "Save", **given)
    assert "“ansible” is saved" in listed.text
    assert "from 192.0.2.0/24" in listed.text
    assert "2099" in listed.html
    after = await owner.submit(listed, "Revoke this key")
    assert "The key is revoked" in after.text
    assert "No key yet" in after.text
    assert (await owner.get(one)).status == 404


async def test_a_key_of_servers_that_are_gone_says_so(scene: Scene, owner: Browser) -> None:
    form = await owner.get("/org/acme/keys")
    given = {"name": "one", "scopes": ["domains:write"], "servers": ["app"]}
    wrong = await owner.submit(form, "Create this key", **given)
    assert "servers: are ticked: choose these alone, or untick them" in wrong.text
    await owner.submit(wrong, "Create this key", reach="some")
    await scene.posthorn[RemoveTenants].remove_server(scene.server)
    scene.clock.advance(60)
    listed = await owner.get("/org/acme/keys")
    assert "servers that are gone" in listed.text
    (one,) = [each for each in listed.addresses if each.startswith("/org/acme/keys/")]
    assert "It may domains:write for servers that are gone" in (await owner.get(one)).text


async def test_a_viewer_has_no_keys(viewer: Browser) -> None:
    for path in ("/org/acme/keys", "/org/acme/keys/mk1/edit"):
        assert (await viewer.get(path)).status == 403


async def test_keys_of_the_installation_are_for_operators(owner: Browser, admin: Browser) -> None:
    assert (await owner.get("/admin/keys")).status == 403
    form = await admin.get("/admin/keys")
    await admin.submit(form, "Create this key", name="backup", scopes=["installation:read"])
    listed = await admin.get("/admin/keys")
    (one,) = [each for each in listed.addresses if each.startswith("/admin/keys/")]
    assert (await owner.get(one)).status == 403
    saved = await admin.submit(await admin.get(one), "Save", name="backups")
    assert (saved.path, "“backups” is saved" in saved.text) == ("/admin/keys", True)


async def test_an_organization_goes_when_its_name_is_typed(scene: Scene, admin: Browser) -> None:
    await scene.posthorn[Organizations].create("Gone")
    form = await admin.get("/org/gone/settings/delete")
    wrong = await admin.submit(form, "Delete this organization", confirm="gome")
    assert wrong.status == 422
    after = await admin.submit(form, "Delete this organization", confirm="gone")
    assert after.status == 200, after.text
    assert (await admin.get("/org/gone")).status == 404
