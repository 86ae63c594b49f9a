"""What does most harm asks who it is once more ten minutes after a sign-in, and leads back to its form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib import bootstrap
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.sessions import CONFIRMED_SECONDS
from chalicelib.services.tenancy.servers import Servers
from tests.people import PASSWORD
from tests.people_site import PeopleSite, Walk

SERVER = "/org/acme/servers/app"
SECURITY = "/settings/security"


@dataclass(frozen=True)
class Danger:
    """A form that does harm: where it is, how it is filled in, and its button."""

    path: str
    button: str
    fill: Callable[[Walk], None] = lambda _: None


def fills(label: str, value: str) -> Callable[[Walk], None]:
    return lambda walk: walk.fill(label, value)


def counts(walk: Walk) -> None:
    walk.fill("Address", "somebody@example.com")
    walk.press("Count what would go")
    walk.fill("Type the address once more", "somebody@example.com")


def named(walk: Walk) -> None:
    walk.fill("Name", "a key")
    walk.page.get_by_label("domains:read").check()


def makes_admin(walk: Walk) -> None:
    walk.page.get_by_label("Role").select_option("admin")


DANGERS = {
    "delete the organization": Danger(
        "/org/acme/settings/delete", "Delete this organization", fills("Type acme", "acme")
    ),
    "require second factors": Danger(
        "/org/acme/settings",
        "Save",
        lambda walk: walk.page.get_by_label("Everybody here must have a second factor").check(),
    ),
    "delete a server": Danger(
        f"{SERVER}/settings/delete",
        "Delete this server",
        fills("Type app to say that you mean it", "app"),
    ),
    "erase an address": Danger(f"{SERVER}/settings/erase", "Erase this address", counts),
    "make a key of a server": Danger(
        f"{SERVER}/keys/new", "Create this key", fills("Name", "a key")
    ),
    "make a management key": Danger("/org/acme/keys", "Create this key", named),
    "make an admin": Danger("/org/acme/members/{member}", "Save", makes_admin),
    "let somebody operate": Danger("/admin/users/{member}", "Let them operate the installation"),
    "remove a user": Danger("/admin/users/{member}", "Remove this user"),
    "set up an app": Danger(SECURITY, "Set up an app"),
    "add a passkey": Danger(SECURITY, "Add a passkey"),
}


def test_a_server_is_deleted_by_who_shows_the_password_once_more(
    walk: Walk, people: PeopleSite
) -> None:
    made = bootstrap.run(people.scene.posthorn[Servers].create(people.scene.organization, "Gone"))
    path = f"/org/acme/servers/{made.permalink}/settings/delete"
    label = f"Type {made.permalink} to say that you mean it"
    walk.enter(people.person())
    people.scene.clock.advance(CONFIRMED_SECONDS)
    walk.open(path)
    walk.fill(label, made.permalink)
    walk.press("Delete this server")
    assert walk.heading == "Confirm that it is you"
    walk.fill("Your password", "not it")
    assert walk.press("Confirm") == 422
    assert "This is wrong" in walk.page.get_by_role("alert").inner_text()
    walk.fill("Your password", PASSWORD)
    assert walk.press("Confirm") == 200
    assert walk.path == path
    assert "Thank you. Now do it once more: for ten minutes you are not asked again" in walk.main
    walk.fill(label, made.permalink)
    assert walk.press("Delete this server") == 200
    assert "Gone" not in walk.page.locator(".rows").inner_text()
    people.scene.clock.advance(CONFIRMED_SECONDS)
    walk.open(SECURITY)
    walk.press("Set up an app")
    assert walk.heading == "Confirm that it is you"


def test_each_of_them_asks_and_leads_back(walk: Walk, people: PeopleSite) -> None:
    """One after the other, as one browser costs less than many."""
    member = people.person(Role.MEMBER)
    walk.enter(people.person(admin=True))
    for name, danger in DANGERS.items():
        people.scene.clock.advance(CONFIRMED_SECONDS)
        path = danger.path.format(member=member.id)
        walk.open(path)
        danger.fill(walk)
        if danger.button == "Remove this user":
            walk.fill("Type their address", member.email)
        walk.press(danger.button)
        assert walk.heading == "Confirm that it is you", (name, walk.main)
        walk.fill("Your password", PASSWORD)
        walk.press("Confirm")
        assert walk.path == path, name
        assert "do it once more" in walk.main, name
