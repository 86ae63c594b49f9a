"""Where an organization requires a second factor, whoever has none sees nothing of it, sets one up, and is in."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from chalicelib import bootstrap
from chalicelib.domain.people.roles import Role
from chalicelib.services.tenancy.organizations import Organizations
from tests.authenticator_app import App
from tests.people import made_member
from tests.people_site import PeopleSite, Walk

if TYPE_CHECKING:
    from chalicelib.domain.people.users import User

SECURITY = "/settings/security"


@pytest.fixture
def place(people: PeopleSite) -> tuple[str, User]:
    """The path of an organization, and its owner, who is nowhere else."""
    program, name = people.scene.posthorn, f"Strict {secrets.token_hex(3)}"
    made = bootstrap.run(program[Organizations].create(name))
    owner = people.person(role=None)
    bootstrap.run(made_member(program, owner, made.id, Role.OWNER))
    return f"/org/{made.permalink}", owner


def set_up(walk: Walk, people: PeopleSite) -> None:
    walk.press("Set up an app")
    app = App(people.scene.clock, walk.page.locator(".value-box code").first.inner_text())
    walk.fill("2. The code that the app shows", app.code())
    walk.press("Switch codes on")
    walk.press("I have kept them")


def test_the_owner_requires_it_and_sets_one_up(
    walk: Walk, people: PeopleSite, place: tuple[str, User]
) -> None:
    path, owner = place
    walk.enter(owner)
    walk.open(f"{path}/settings")
    walk.page.get_by_label("Everybody here must have a second factor").check()
    walk.press("Save")
    assert walk.open(f"{path}/members") == 403
    assert owner.email not in walk.main
    walk.press("Set up a second factor")
    assert walk.path == SECURITY
    set_up(walk, people)
    assert walk.open(f"{path}/members") == 200
    assert owner.email in walk.main
