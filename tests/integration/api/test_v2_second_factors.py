"""Second factors by the API: set up, shown at sign-in and to confirm, taken away; and what each is refused for."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from chalicelib.domain.people.passkeys import MOST_PASSKEYS
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.sessions import CONFIRMED_SECONDS
from chalicelib.domain.people.totp import STEP_SECONDS, code_of
from chalicelib.domain.rates import SIGN_IN
from chalicelib.services.people.tickets import MOST_TRIES
from tests.http_api import ApiWorld
from tests.passkey_device import Device
from tests.people import PASSWORD, Visitor, visitor

ON_BOTH_ENGINES = True


def code(api: ApiWorld, secret: str) -> str:
    return code_of(base64.b32decode(secret), int(api.scene.clock.now()) // STEP_SECONDS)


def with_app(api: ApiWorld, person: Visitor) -> tuple[str, list[str]]:
    """The secret of an app that makes codes, and the recovery codes."""
    asked = person.ask("POST", "/me/totp")
    assert asked.status == 200
    secret = asked.json["secret"]
    assert f"secret={secret}" in asked.json["uri"]
    done = person.ask("PUT", "/me/totp", {"code": code(api, secret)})
    assert done.status == 200
    return secret, done.json["recovery_codes"]


def with_passkey(person: Visitor, device: Device, name: str = "Key") -> Any:
    begun = person.ask("POST", "/me/passkeys", {})
    assert begun.status == 200
    made = {"credential": device.make(begun.json["options"]), "ticket": begun.json["ticket"]}
    return person.ask("POST", "/me/passkeys", {**made, "name": name})


def device_of(api: ApiWorld) -> Device:
    return Device(api.scene.posthorn.settings.public_url)


def test_an_app_is_set_up_and_asked_for_at_sign_in(api: ApiWorld) -> None:
    person = visitor(api)
    assert person.user is not None
    secret, codes = with_app(api, person)
    assert len(codes) == 10
    assert person.ask("GET", "/me").json["totp"] is True
    other = Visitor(api)
    needed = other.sign_in(person.user.email)
    assert (needed.status, needed.json["code"]) == (401, "second_factor_required")
    assert needed.json["methods"] == ["totp", "recovery_code"]
    assert needed.json["challenge"] is None
    assert "set-cookie" not in needed.headers
    api.scene.clock.advance(STEP_SECONDS)
    shown = {"ticket": needed.json["ticket"], "totp": code(api, secret)}
    assert other.ask("POST", "/sessions", shown).status == 201
    assert other.ask("GET", "/me").status == 200
    assert Visitor(api).ask("POST", "/sessions", shown).status == 401


def test_a_ticket_takes_five_tries(api: ApiWorld) -> None:
    person = visitor(api)
    assert person.user is not None
    _, codes = with_app(api, person)
    ticket = Visitor(api).sign_in(person.user.email).json["ticket"]
    for _ in range(MOST_TRIES):
        wrong = Visitor(api).ask("POST", "/sessions", {"ticket": ticket, "totp": "000000"})
        assert (wrong.status, wrong.json["code"]) == (401, "unauthenticated")
    right = {"ticket": ticket, "recovery_code": codes[0]}
    assert Visitor(api).ask("POST", "/sessions", right).status == 401
    right["ticket"] = Visitor(api).sign_in(person.user.email).json["ticket"]
    assert Visitor(api).ask("POST", "/sessions", right).status == 201


def test_a_passkey_signs_in_and_confirms(api: ApiWorld) -> None:
    person, device = visitor(api, Role.OWNER), device_of(api)
    assert person.user is not None
    made = with_passkey(person, device, "Blue key")
    assert made.status == 201
    assert made.headers["location"] == f"/api/v2/me/passkeys/{made.json['id']}"
    assert len(made.json["recovery_codes"]) == 10
    assert with_passkey(person, device_of(api)).json["recovery_codes"] is None
    other = Visitor(api)
    needed = other.sign_in(person.user.email).json
    answer = device.show(needed["challenge"])
    done = other.ask("POST", "/sessions", {"ticket": needed["ticket"], "passkey": answer})
    assert done.status == 201
    other.csrf = done.json["csrf_token"]
    api.scene.clock.advance(CONFIRMED_SECONDS)
    refused = other.ask("POST", "/me/recovery-codes")
    assert (refused.status, refused.json["code"]) == (403, "confirmation_needed")
    assert refused.json["methods"] == ["password", "passkey"]
    shown = device.show(refused.json["challenge"])
    confirmed = {"ticket": refused.json["ticket"], "passkey": shown}
    assert other.ask("POST", "/session/confirm", confirmed).status == 204
    assert len(other.ask("POST", "/me/recovery-codes").json["recovery_codes"]) == 10
    again = other.ask("POST", "/session/confirm", confirmed)
    assert [one["code"] for one in again.json["errors"]] == ["wrong"]


def test_passkeys_are_listed_and_removed(api: ApiWorld) -> None:
    person = visitor(api)
    made = [with_passkey(person, device_of(api), f"Key {one}").json for one in range(2)]
    listed = person.ask("GET", "/me/passkeys").json["data"]
    assert {one["name"] for one in listed} == {"Key 0", "Key 1"}
    assert set(listed[0]) == {"id", "name", "created_at", "last_used_at"}
    assert person.ask("GET", "/me").json["passkeys"] == 2
    for one in made:
        assert person.ask("DELETE", f"/me/passkeys/{one['id']}").status == 204
        assert person.ask("DELETE", f"/me/passkeys/{one['id']}").status == 404
    assert person.ask("POST", "/me/recovery-codes").status == 409
    stranger = visitor(api)
    theirs = with_passkey(stranger, device_of(api)).json["id"]
    assert person.ask("DELETE", f"/me/passkeys/{theirs}").status == 404


def test_there_are_at_most_so_many(api: ApiWorld) -> None:
    person = visitor(api)
    for _ in range(MOST_PASSKEYS):
        assert with_passkey(person, device_of(api)).status == 201
    refused = person.ask("POST", "/me/passkeys", {})
    assert (refused.status, refused.json["code"]) == (409, "conflict")


@pytest.mark.parametrize("shown", ["code", "password"])
def test_an_app_is_switched_off_by_a_code_or_the_password(api: ApiWorld, shown: str) -> None:
    person = visitor(api)
    secret, _ = with_app(api, person)
    api.scene.clock.advance(CONFIRMED_SECONDS)  # what is shown is the confirmation
    wrong = person.ask("DELETE", "/me/totp", {shown: "000000"})
    assert [(one["pointer"], one["code"]) for one in wrong.json["errors"]] == [
        (f"/{shown}", "wrong")
    ]
    right = {"code": code(api, secret), "password": PASSWORD}[shown]
    assert person.ask("DELETE", "/me/totp", {shown: right}).status == 204
    assert person.ask("GET", "/me").json["totp"] is False
    assert person.ask("DELETE", "/me/totp", {"password": PASSWORD}).status == 404


def test_wrong_codes_count_as_failures_of_signing_in(api: ApiWorld) -> None:
    person = visitor(api)
    assert person.ask("POST", "/me/totp").status == 200
    for _ in range(SIGN_IN.quota):
        wrong = person.ask("PUT", "/me/totp", {"code": "000000"})
        assert wrong.status == 422
        assert [(one["pointer"], one["code"]) for one in wrong.json["errors"]] == [
            ("/code", "wrong")
        ]
    refused = person.ask("PUT", "/me/totp", {"code": "000000"})
    assert (refused.status, refused.json["code"]) == (429, "throttled")


STRONG = [
    ("POST", "/me/totp", None),
    ("POST", "/me/recovery-codes", None),
    ("POST", "/me/passkeys", {}),
    ("DELETE", "/me/passkeys/x", None),
]


@pytest.mark.parametrize(("method", "path", "body"), STRONG)
def test_a_factor_is_changed_by_who_has_just_shown_who_they_are(
    api: ApiWorld, method: str, path: str, body: Any
) -> None:
    person = visitor(api)
    api.scene.clock.advance(CONFIRMED_SECONDS)
    refused = person.ask(method, path, body)
    assert (refused.status, refused.json["code"]) == (403, "confirmation_needed")
    assert person.ask("POST", "/session/confirm", {"password": PASSWORD}).status == 204
    assert person.ask(method, path, body).status in (200, 404, 409)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [*STRONG, ("PUT", "/me/totp", {"code": "1"}), ("DELETE", "/me/totp", {"password": "x"})],
)
def test_keys_have_no_factors(api: ApiWorld, method: str, path: str, body: Any) -> None:
    refused = api.manage(method, path, body)
    assert (refused.status, refused.json["code"]) == (403, "refused")


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("PUT", "/me/totp", {}, "/code"),
        ("PUT", "/me/totp", {"code": 123456}, "/code"),
        ("PUT", "/me/totp", {"code": "1" * 2_000}, "/code"),
        ("DELETE", "/me/totp", {}, ""),
        ("DELETE", "/me/totp", {"code": "1", "password": "x"}, ""),
        ("POST", "/me/passkeys", {"ticket": "x"}, "/credential"),
        ("POST", "/me/passkeys", {"ticket": "x", "credential": {}}, "/name"),
        ("POST", "/me/passkeys", {"ticket": "x", "credential": [], "name": "K"}, "/credential"),
        ("POST", "/me/passkeys", {"ticket": "x", "credential": {}, "name": "\u0000"}, "/name"),
        ("POST", "/me/passkeys", {"ticket": "x", "credential": {}, "name": "K"}, "/credential"),
        ("POST", "/me/totp", {"secret": "mine"}, "/secret"),
    ],
)
def test_a_request_that_is_wrong_is_named(
    api: ApiWorld, method: str, path: str, body: Any, pointer: str
) -> None:
    refused = visitor(api).ask(method, path, body)
    assert refused.status == 422
    assert [one["pointer"] for one in refused.json["errors"]] == [pointer]


def test_secrets_are_given_again_to_the_same_person_alone(api: ApiWorld) -> None:
    person = visitor(api)
    with_app(api, person)
    once = person.ask("POST", "/me/recovery-codes", idempotency_key="k1")
    again = person.ask("POST", "/me/recovery-codes", idempotency_key="k1")
    assert (again.json, again.headers["idempotent-replayed"]) == (once.json, "true")
    other = visitor(api)
    with_app(api, other)
    assert other.ask("POST", "/me/recovery-codes", idempotency_key="k1").json != once.json
