"""Members, invitations, and what one has for oneself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.domain.people.members import MEMBERS as TABLE
from chalicelib.domain.people.members import Member, member_place
from chalicelib.domain.people.roles import Role
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.removal import RemoveTenants
from chalicelib.services.tenancy.servers import Servers
from tests.page_browser import Browser, join, make_user, signed_in
from tests.worlds import Scene

MEMBERS = "/org/acme/members"


async def test_members_are_seen_by_all_and_changed_by_admins(
    scene: Scene, owner: Browser, viewer: Browser
) -> None:
    shown = await viewer.get(MEMBERS)
    assert "viewer@acme.test" in shown.text
    assert not shown.has_button("Invite")
    one = next(where for where in shown.addresses if where.startswith(f"{MEMBERS}/"))
    assert not (await viewer.get(one)).has_button("Save")
    assert (await viewer.send(MEMBERS, {"csrf": "x"})).status == 403
    assert (await owner.get(one)).has_button("Save")


async def test_somebody_is_invited_and_withdrawn_again(scene: Scene, owner: Browser) -> None:
    form = await owner.get(MEMBERS)
    wrong = await owner.submit(form, "Invite", email="no address", role="member")
    assert (wrong.status, 'id="e-email"' in wrong.html) == (422, True)
    after = await owner.submit(form, "Invite", email="new@acme.test", role="member")
    assert "new@acme.test is invited" in after.text
    gone = await owner.submit(await owner.get(MEMBERS), "Withdraw")
    assert "The invitation is withdrawn" in gone.text
    assert "new@acme.test" not in (await owner.get(MEMBERS)).text


async def test_a_role_holds_from_the_next_request_on(scene: Scene, owner: Browser) -> None:
    user = await make_user(scene.posthorn, "m@acme.test")
    other = await signed_in(scene.posthorn, "", Role.ADMIN, scene.organization, user=user)
    assert (await other.get("/org/acme/settings")).status == 200
    one = f"{MEMBERS}/{user.id}"
    after = await owner.submit(await owner.get(one), "Save", role="viewer")
    assert "Changed" in after.text
    assert (await other.get("/org/acme/settings")).status == 403
    await owner.submit(await owner.get(one), "Remove this member")
    assert (await other.get("/org/acme")).status == 404


async def test_who_is_limited_to_a_server_sees_no_other(scene: Scene) -> None:
    await scene.posthorn[Servers].create(scene.organization, "Secret")
    user = await make_user(scene.posthorn, "few@acme.test")
    await join(scene.posthorn, user, scene.organization, Role.ADMIN, (scene.server,))
    few = await signed_in(scene.posthorn, role=None, user=user)
    form = await few.get(MEMBERS)
    assert form.form("Invite").fields["reach"] == ["some"]
    given = {"email": "new@acme.test", "role": "viewer", "servers": ["app"]}
    assert "is invited" in (await few.submit(form, "Invite", **given)).text
    assert "Secret" not in (await few.get("/org/acme")).text
    assert (await few.get("/org/acme/servers/secret")).status == 404


async def limited(scene: Scene) -> tuple[str, str]:
    """Somebody who reaches one server: their id, and the page about them."""
    user = await make_user(scene.posthorn, "few@acme.test")
    await join(scene.posthorn, user, scene.organization, Role.VIEWER, (scene.server,))
    return user.id, f"{MEMBERS}/{user.id}"


async def member(scene: Scene, user: str) -> Member:
    found = await scene.posthorn[Repository].get(TABLE, member_place(scene.organization.id, user))
    assert found is not None
    return found


@pytest.mark.parametrize("is_away", [False, True])
async def test_another_role_leaves_the_servers_that_somebody_reaches(
    scene: Scene, owner: Browser, broken: Callable[..., None], *, is_away: bool
) -> None:
    user, one = await limited(scene)
    if is_away:
        broken("/servers")
    saved = await owner.submit(await owner.get(one), "Save", role="member")
    assert "Changed" in saved.text
    found = await member(scene, user)
    assert (found.role, found.servers, found.reads_content) == (
        *(Role.MEMBER, (scene.server.id,), False),
    )


async def test_who_is_limited_to_servers_that_are_gone_does_not_come_to_reach_all(
    scene: Scene, owner: Browser
) -> None:
    user, one = await limited(scene)
    await scene.posthorn[Servers].create(scene.organization, "Secret")
    await scene.posthorn[RemoveTenants].remove_server(scene.server)
    scene.clock.advance(60)
    assert "Changed" in (await owner.submit(await owner.get(one), "Save", role="member")).text
    assert (await member(scene, user)).servers == ()
    assert "Changed" in (await owner.submit(await owner.get(one), "Save", reach="all")).text
    assert (await member(scene, user)).servers is None


async def test_servers_that_cannot_be_seen_are_not_all_chosen(
    scene: Scene, owner: Browser, broken: Callable[..., None]
) -> None:
    await limited(scene)
    broken("/servers")
    form = await owner.get(MEMBERS)
    assert "The servers could not be loaded" in form.text
    given = {"email": "new@acme.test", "role": "viewer"}
    assert (await owner.submit(form, "Invite", **given)).status == 422
    unknown = await owner.submit(form, "Invite", **given, reach="")
    assert (unknown.status, "choose one" in unknown.text) == (422, True)
    assert "is invited" in (await owner.submit(form, "Invite", **given, reach="all")).text


async def test_a_refused_removal_leaves_the_form_of_the_member_as_it_was(
    scene: Scene, owner: Browser, admin: Browser
) -> None:
    user = await make_user(scene.posthorn, "few@acme.test")
    await join(scene.posthorn, user, scene.organization, Role.OWNER, (scene.server,))
    (first,) = [
        one
        for one in (await admin.get(MEMBERS)).addresses
        if one.startswith(f"{MEMBERS}/") and user.id not in one
    ]
    assert (await admin.submit(await admin.get(first), "Remove this member")).status == 200
    refused = await admin.submit(await admin.get(f"{MEMBERS}/{user.id}"), "Remove this member")
    assert refused.status == 422
    fields = refused.form("Save").fields
    assert (fields["reach"], fields["servers"]) == (["some"], ["app"])


async def test_all_servers_or_some_is_said_and_not_guessed(scene: Scene, owner: Browser) -> None:
    form = await owner.get(MEMBERS)
    given = {"email": "new@acme.test", "role": "viewer"}
    ticked = await owner.submit(form, "Invite", **given, servers=["app"])
    assert (ticked.status, "choose these alone" in ticked.text) == (422, True)
    nothing = await owner.submit(form, "Invite", **given, reach="some")
    assert (nothing.status, "tick one at least" in nothing.text) == (422, True)
    assert "is invited" in (await owner.submit(ticked, "Invite", reach="some")).text
    user, one = await limited(scene)
    assert "Changed" in (await owner.submit(await owner.get(one), "Save", reach="all")).text
    assert (await member(scene, user)).servers is None


async def test_one_changes_oneself(owner: Browser) -> None:
    form = await owner.get("/settings")
    wrong = await owner.submit(form, "Save", time_zone="Nowhere/Town")
    assert (wrong.status, 'id="e-time_zone"' in wrong.html) == (422, True)
    after = await owner.submit(
        form, "Save", first_name="Grace", time_zone="Asia/Tokyo", shortcuts=None
    )
    assert "Saved" in after.text
    assert "data-keys" not in after.html
    assert "Times in Asia/Tokyo" in after.text


async def test_colours_stay_after_signing_out(owner: Browser) -> None:
    after = await owner.submit(await owner.get("/settings"), "Dark")
    assert 'data-theme="dark"' in after.html
    left = await owner.submit(after, "Sign out")
    assert 'data-theme="dark"' in left.html


async def test_a_password_that_is_not_told_now_changes_nothing(owner: Browser) -> None:
    form = await owner.get("/settings/security")
    wrong = await owner.submit(
        form, "Change the password", current_password="no", password="another good one"
    )
    assert wrong.status == 422
    assert "another good one" not in wrong.html


async def test_sessions_are_listed_and_ended(scene: Scene, owner: Browser) -> None:
    from chalicelib.domain.people.users import USERS, user_place
    from chalicelib.ports.repository import Repository
    from chalicelib.services.tenancy.signed_in import FindSignedIn

    (token,) = owner.cookies.values()
    person = await scene.posthorn[FindSignedIn].by_token(token, "")
    user = await scene.posthorn[Repository].get(USERS, user_place(person.user.id))
    other = await signed_in(scene.posthorn, role=None, user=user)
    shown = await owner.get("/settings/sessions")
    assert shown.text.count("this one") == 1
    after = await owner.submit(shown, "End this session")
    assert "The session has ended" in after.text
    assert (await other.get("/org/acme")).path.startswith("/login")


async def test_keys_that_one_made_are_listed(owner: Browser) -> None:
    assert "No key of yours" in (await owner.get("/settings/tokens")).text
    form = await owner.get("/org/acme/keys")
    await owner.submit(form, "Create this key", name="mine", scopes=["domains:read"])
    assert "mine" in (await owner.get("/settings/tokens")).text
