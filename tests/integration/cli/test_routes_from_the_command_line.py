"""Routes and endpoints from the command line: made, shown, changed and removed, secrets and passwords kept apart."""

from __future__ import annotations

import asyncio

import pytest

from chalicelib.bootstrap import Posthorn
from chalicelib.cli import endpoints as command
from chalicelib.domain.tenancy.endpoints import ENDPOINTS
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from tests.integration.cli.conftest import Outcome, Run

PASSWORD = "correct horse battery"
WEB = ("endpoint", "add", "http", "web", "--url", "https://app.example/mail")
SMTP = ("endpoint", "add", "smtp", "exchange", "--hostname", "mail.example", "--ssl-mode", "TLS")


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(command.PASSWORD_VARIABLE, PASSWORD)


def done(outcome: Outcome) -> Outcome:
    assert outcome.code == 0, outcome.err
    return outcome


def test_a_web_application_is_added_and_its_secret_printed_once(demo: Run) -> None:
    made = done(
        demo(*WEB, "--format", "Hash", "--encoding", "FormData", "--strip-replies", "--json")
    ).json
    assert made["secret"].startswith("whsec_")
    assert (made["format"], made["encoding"], made["strip_replies"]) == ("Hash", "FormData", True)
    shown = done(demo("endpoint", "show", "web"))
    assert "https://app.example/mail" in shown.out
    assert "whsec_" not in shown.out
    assert demo("endpoint", "show", made["id"], "--json").json["id"] == made["id"]
    rotated = done(demo("endpoint", "rotate", "web", "--json")).json
    assert rotated["secret"] not in ("", made["secret"])
    (listed,) = done(demo("endpoint", "list", "--json")).json
    assert listed["id"] == made["id"]
    assert "https://app.example/mail" in demo("endpoint", "list").out


def test_a_password_comes_from_the_variable_and_is_sealed(demo: Run, app: Posthorn) -> None:
    made = done(demo(*SMTP, "--username", "me", "--json")).json
    assert (made["port"], made["has_password"]) == (465, True)
    (server,) = demo("server", "list", "--json").json
    (kept,) = asyncio.run(app[Repository].all(ENDPOINTS, of_server(server["id"])))
    assert kept.sealed_password is not None
    assert asyncio.run(app[KeyVault].open(kept.sealed_password, kept.context)) == PASSWORD.encode()
    assert "Password" in demo("endpoint", "show", "exchange").out
    changed = done(demo("endpoint", "set", "exchange", "--clear", "username", "--json")).json
    assert changed["has_password"] is False
    again = done(
        demo("endpoint", "set", "exchange", "--username", "you", "--password", "--json")
    ).json
    assert (again["username"], again["has_password"]) == ("you", True)


def test_an_endpoint_is_changed_enabled_and_removed(demo: Run) -> None:
    done(demo("endpoint", "add", "address", "bob@example.com"))
    changed = done(
        demo("endpoint", "set", "bob@example.com", "--name", "Bob", "--no-enabled", "--json")
    )
    assert (changed.json["name"], changed.json["enabled"]) == ("Bob", False)
    assert "disabled" in demo("endpoint", "list").out
    assert done(demo("endpoint", "enable", "Bob", "--json")).json["enabled"] is True
    assert demo("endpoint", "set", "Bob").code == 2
    assert "Removed Bob" in done(demo("endpoint", "remove", "Bob")).out
    gone = demo("endpoint", "show", "Bob")
    assert (gone.code, "There is no endpoint Bob here" in gone.err) == (1, True)


def test_a_route_is_added_with_everything_and_found_by_address(demo: Run) -> None:
    web = done(demo(*WEB, "--json")).json["id"]
    exchange = done(
        demo("endpoint", "add", "smtp", "x", "--hostname", "mail.example", "--json")
    ).json["id"]
    made = done(
        demo(
            "route", "add", "support-*@demo.example", "--endpoint", "web", "--also", exchange, "--spam-mode", "Fail",
            "--priority", "5", "--if", "subject=*invoice*=7", "--if", "header:X-A=b", "--json",
        )
    ).json  # fmt: skip
    assert (made["endpoint"], made["additional_endpoints"]) == (web, [exchange])
    assert (made["spam_mode"], made["priority"]) == ("Fail", 5)
    assert made["conditions"] == [
        {"field": "subject", "matches": "*invoice*=7"},
        {"field": "header:X-A", "matches": "b"},
    ]
    assert made["forwarding_address"] in done(demo("route", "show", "support-*@demo.example")).out
    held = done(
        demo("route", "set", made["id"], "--mode", "Hold", "--clear", "conditions", "--json")
    ).json
    assert (held["mode"], held["endpoint"], held["conditions"]) == ("Hold", None, [])
    assert "support-*@demo.example" in done(demo("route", "list")).out
    assert done(demo("route", "remove", "support-*@demo.example", "--json")).json == {
        "removed": made["id"]
    }
    assert demo("route", "list", "--json").json == []


def test_what_is_wrong_is_one_sentence(demo: Run) -> None:
    lacking = demo("route", "add", "support@demo.example")
    assert (lacking.code, "needs an endpoint" in lacking.err) == (1, True)
    unequal = demo("route", "add", "a@demo.example", "--mode", "Hold", "--if", "subject")
    assert (unequal.code, "has no = as in" in unequal.err) == (2, True)
    for priority in ("1", "2"):
        done(demo("route", "add", "a@demo.example", "--mode", "Hold", "--priority", priority))
    several = demo("route", "show", "a@demo.example")
    assert (several.code, "give one's id" in several.err) == (2, True)


def test_the_return_path_has_a_route_without_a_domain(demo: Run) -> None:
    done(demo(*WEB))
    made = done(demo("route", "add", "__returnpath__", "--endpoint", "web", "--json")).json
    assert (made["name"], made["domain"]) == ("__returnpath__", None)
    assert "__returnpath__" in demo("route", "list").out


def test_what_an_application_says_to_a_sample_is_printed(demo: Run) -> None:
    done(demo(*WEB))
    said = demo("endpoint", "test", "web")
    assert said.code == 1
    assert said.out.startswith("-2 after ")
    assert demo("endpoint", "test", "web", "--json").json["code"] == -2


def test_what_would_take_a_message_is_told(demo: Run) -> None:
    for name, condition in (("a", "subject=*invoice*"), ("*", "header:X-A=*")):
        done(demo("route", "add", f"{name}@demo.example", "--mode", "Hold", "--if", condition))
    asked = ("route", "match", "--to", "a+1@demo.example", "--from", "joe@example.com")
    found = done(demo(*asked, "--header", "X-A=b", "--json")).json
    assert [one["result"] for one in found["steps"]] == ["condition", "chosen"]
    told = done(demo(*asked, "--subject", "an invoice")).out
    assert told.startswith("250 2.1.5 OK\n")
    assert "chosen" in told
    assert "550 5.7.1 No route takes this message" in done(demo(*asked)).out
    assert demo(*asked, "--header", "X-A").code == 2


def test_a_message_is_simulated(demo: Run) -> None:
    done(demo("route", "add", "support@demo.example", "--mode", "Hold"))
    made = done(
        demo("route", "simulate", "support@demo.example", "--from", "joe@example.com", "--json")
    )
    (email,) = made.json["emails"]
    assert email["to"] == "support@demo.example"
    shown = done(demo("message", "show", str(email["id"]), "--json")).json
    assert (shown["direction"], shown["from"]) == ("incoming", "joe@example.com")
