"""People from the command line: the first operator, members, invitations, saved searches."""

from __future__ import annotations

import pytest

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.services.people.sign_in import SignIn
from tests.integration.cli.conftest import Run
from tests.people import HERE, PASSWORD


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that new users get."""
    monkeypatch.setenv("POSTHORN_PASSWORD", PASSWORD)


def test_the_first_operator_is_made_by_whoever_has_the_storage(
    posthorn: Run, app: Posthorn
) -> None:
    made = posthorn("user", "create", "Ada@Acme.test", "--admin", "--first-name", "Ada", "--json")
    assert (made.code, made.json["email"], made.json["admin"]) == (0, "ada@acme.test", True)
    assert PASSWORD not in made.out
    opened = bootstrap.run(app[SignIn].open("ada@acme.test", PASSWORD, HERE))
    assert opened.user.admin
    again = posthorn("user", "create", "ada@acme.test")
    assert (again.code, again.err.strip()) == (
        1,
        "posthorn: This address belongs to a user already.",
    )


def test_users_are_named_by_id_or_address(posthorn: Run) -> None:
    one = posthorn("user", "create", "ada@acme.test", "--json").json["id"]
    assert posthorn("user", "show", "ADA@acme.test", "--json").json["id"] == one
    changed = posthorn("user", "set", one, "--last-name", "Lovelace", "--admin", "--json").json
    assert (changed["last_name"], changed["admin"]) == ("Lovelace", True)
    assert posthorn("user", "set", one, "--clear", "admin", "--json").json["admin"] is False
    assert posthorn("user", "set", one).code == 2
    assert "ada@acme.test" in posthorn("user", "list").out
    assert "ada@acme.test" in posthorn("user", "list", "--search", "ADA").out
    assert posthorn("user", "list", "--search", "eve", "--json").json == []
    assert posthorn("user", "sign-out", one).code == 0
    assert posthorn("user", "reset-factors", "ada@acme.test").code == 0
    unknown = posthorn("user", "show", "bob@acme.test")
    assert (unknown.code, "no user of the address" in unknown.err) == (1, True)
    assert posthorn("user", "remove", one).out.strip() == f"Removed {one}."
    assert posthorn("user", "list", "--json").json == []


def test_a_weak_password_is_not_taken(posthorn: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHORN_PASSWORD", "qwertyuiop")
    refused = posthorn("user", "create", "ada@acme.test")
    assert (refused.code, "many people use" in refused.err) == (1, True)
    monkeypatch.delenv("POSTHORN_PASSWORD")
    asked = posthorn("user", "create", "ada@acme.test")
    assert (asked.code, "POSTHORN_PASSWORD" in asked.err) == (1, True)


def test_members_are_added_changed_and_removed(demo: Run) -> None:
    demo("user", "create", "ada@acme.test")
    demo("user", "create", "bob@acme.test")
    demo("member", "add", "bob@acme.test", "--role", "owner")
    made = demo("member", "add", "ada@acme.test", "--role", "viewer", "--only", "demo", "--json")
    assert (made.json["servers"], made.json["read_content"]) == (["demo"], False)
    changed = demo(
        "member",
        "set",
        "ada@acme.test",
        "--role",
        "member",
        "--clear",
        "servers",
        "--read-content",
        "no",
        "--json",
    )
    assert (changed.json["role"], changed.json["servers"]) == ("member", None)
    assert changed.json["read_content"] is False
    assert "ada@acme.test" in demo("member", "list").out
    assert demo("member", "remove", "ada@acme.test").code == 0
    last = demo("member", "remove", "bob@acme.test")
    assert (last.code, "last owner" in last.err) == (1, True)


def test_an_invitation_shows_its_link_where_no_mail_is_sent(demo: Run) -> None:
    made = demo("invitation", "create", "ada@acme.test", "--role", "member")
    assert "/invite/" in made.out
    (listed,) = demo("invitation", "list", "--json").json
    assert (listed["email"], listed["role"]) == ("ada@acme.test", "member")
    assert "url" not in listed
    assert demo("invitation", "remove", listed["id"]).code == 0
    assert demo("invitation", "list", "--json").json == []


def test_searches_are_saved_for_all(demo: Run) -> None:
    made = demo("search", "add", "bounced", "--q", "status:bounced", "--json").json
    assert (made["shared"], made["direction"]) == (True, None)
    changed = demo("search", "set", made["id"], "--direction", "outgoing", "--json").json
    assert changed["direction"] == "outgoing"
    assert "status:bounced" in demo("search", "list").out
    wrong = demo("search", "set", made["id"], "--q", "before:whenever")
    assert wrong.code == 1
    assert demo("search", "remove", made["id"]).code == 0
