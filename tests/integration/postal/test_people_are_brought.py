"""Users and members of Postal come in, sign in by their old passwords, and a further run brings what changed there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bcrypt
import pytest

from chalicelib.domain.people.members import MEMBERS, Member
from chalicelib.domain.people.passwords import is_current, is_foreign
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.users import USERS, User
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization
from chalicelib.ports.repository import Repository
from chalicelib.services.people.sessions import Browser
from chalicelib.services.people.sign_in import SignIn
from chalicelib.services.people.users import Users
from tests.mariadb import Postal, Tables
from tests.people import a_person

PASSWORD = "lovelace1"
DIGEST = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
HERE = Browser("192.0.2.8", "Firefox", "r1")


def user_row(rows: dict[str, Tables], number: int, **changes: Any) -> dict[str, Any]:
    """Another user of Postal."""
    (ada,) = (one for one in rows["main"]["users"]["rows"] if one["id"] == 1)
    row = ada | {"id": number, "uuid": f"uuid-{number}", "admin": 0, "first_name": f"U{number}"}
    row |= {"email_address": f"u{number}@example.com", "password_digest": DIGEST, **changes}
    rows["main"]["users"]["rows"].append(row)
    return row


def in_acme(rows: dict[str, Tables], user: int) -> None:
    first = rows["main"]["organization_users"]["rows"][0]
    more = {"id": user + 100, "user_id": user, "admin": 0}
    rows["main"]["organization_users"]["rows"].append(first | more)


@pytest.fixture
def rows(rows: dict[str, Tables]) -> dict[str, Tables]:
    user_row(rows, 2, time_zone="Vienna", email_address="Bob@Example.com")
    in_acme(rows, 2)
    named = {"oidc_uid": "subject-3", "oidc_issuer": "https://id.example.com"}
    user_row(rows, 3, password_digest=None, **named)
    in_acme(rows, 3)
    user_row(rows, 4, email_address="no address")
    in_acme(rows, 4)
    user_row(rows, 5, password_digest=None, oidc_uid="5")
    return rows


async def known(here: Any, email: str) -> User:
    user = await here.posthorn[Users].known(email)
    assert user is not None
    return user


async def members(here: Any) -> dict[str, Member]:
    """The members of acme by their users."""
    repository = here.posthorn[Repository]
    acme = await repository.get(ORGANIZATIONS, Place(ALL_ORGANIZATIONS, "acme"))
    found = await repository.all(MEMBERS, of_organization(acme.id))
    return {one.user_id: one for one in found}


async def test_users_come_with_what_they_are(here: Any, postal: Postal) -> None:
    report = await here.bring(postal)
    ada, bob = await known(here, "ada@example.com"), await known(here, "bob@example.com")
    cyd, eve = await known(here, "u3@example.com"), await known(here, "u5@example.com")
    assert (ada.admin, ada.name, ada.created_at) == (True, "Ada Admin", 1_795_898_508)
    assert (bob.admin, bob.time_zone, is_foreign(bob.password)) == (False, "Europe/Vienna", True)
    identity = (cyd.oidc_issuer, cyd.oidc_subject, cyd.password)
    assert identity == ("https://id.example.com", "subject-3", "")
    assert (eve.oidc_issuer, eve.password) == ("", "")
    roles = {user: member.role for user, member in (await members(here)).items()}
    assert roles == {ada.id: Role.OWNER, bob.id: Role.ADMIN, cyd.id: Role.ADMIN}
    assert all(one.reads_content and one.servers is None for one in (await members(here)).values())
    assert report.counts["users"] == {"new": 4}
    assert report.counts["members"] == {"new": 3}
    told = {one.what: (one.fit.value, one.text) for one in report.notes if "user" in one.what}
    assert told["user no address"][0] == "refused"
    assert "OIDC" in told["user u5@example.com"][1]
    assert DIGEST not in report.text()


async def test_an_old_password_is_checked_once_and_kept_anew(here: Any, postal: Postal) -> None:
    await here.bring(postal)
    opened = await here.posthorn[SignIn].open("bob@example.com", PASSWORD, HERE)
    assert opened.user.email == "bob@example.com"
    kept = (await known(here, "bob@example.com")).password
    assert is_current(kept)
    await here.posthorn[SignIn].open("bob@example.com", PASSWORD, HERE)
    report = await here.bring(postal)
    assert report.left == []
    assert report.counts["users"] == {"same": 4}
    assert (await known(here, "bob@example.com")).password == kept


async def test_a_further_run_takes_what_changed_there_and_leaves_what_changed_here(
    here: Any, postal: Postal
) -> None:
    await here.bring(postal)
    bob, cyd = await known(here, "bob@example.com"), await known(here, "u3@example.com")
    repository = here.posthorn[Repository]
    lowered = replace((await members(here))[bob.id], role=Role.VIEWER)
    await repository.replace(MEMBERS, lowered)
    await repository.remove(MEMBERS, (await members(here))[cyd.id])
    changed = replace(bob, last_name="Here", passkeys=1, recovery=("a",), shortcuts=False)
    await repository.replace(USERS, changed)
    postal.run("UPDATE users SET first_name = 'Robert', last_name = 'There' WHERE id = 2")
    report = await here.bring(postal)
    again = await known(here, "bob@example.com")
    assert again == replace(changed, first_name="Robert")
    assert (await members(here))[bob.id].role is Role.VIEWER
    assert cyd.id not in await members(here)
    assert dict(report.left) == {
        "user Bob@Example.com": "last_name differ from Postal's",
        "member bob@example.com of acme": "role differ from Postal's",
        "member u3@example.com of acme": "it was removed here",
    }


async def test_who_is_here_already_becomes_a_member_and_stays_who_they_are(
    here: Any, postal: Postal
) -> None:
    present = await a_person(here.posthorn, email="ada@example.com")
    for _ in range(2):
        report = await here.bring(postal)
        assert await known(here, "ada@example.com") == present
        assert (await members(here))[present.id].role is Role.OWNER
        (note,) = (one for one in report.notes if one.what == "user ada@example.com")
        assert "keeps the password they have here" in note.text
        assert report.left == []


async def test_an_organization_whose_owner_is_not_brought_has_none_yet(
    here: Any, postal: Postal
) -> None:
    postal.run("UPDATE users SET email_address = 'ada' WHERE id = 1")
    report = await here.bring(postal)
    assert any("its owner was not brought" in one.text for one in report.notes)
    assert {one.role for one in (await members(here)).values()} == {Role.ADMIN}


async def test_an_owner_who_is_no_member_there_is_one_here(here: Any, postal: Postal) -> None:
    postal.run("DELETE FROM organization_users")
    await here.bring(postal)
    ada = await known(here, "ada@example.com")
    assert {user: one.role for user, one in (await members(here)).items()} == {ada.id: Role.OWNER}


async def test_a_dry_run_says_the_same_and_makes_nobody(here: Any, postal: Postal) -> None:
    dry = await here.bring(postal, dry_run=True)
    assert await here.posthorn[Users].all() == []
    done = await here.bring(postal)
    assert {kind: dry.counts[kind] for kind in ("users", "members")} == {
        kind: done.counts[kind] for kind in ("users", "members")
    }
