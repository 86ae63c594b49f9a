"""The OpenID provider by the API: who may set it, what is shown of it, and that its secret never is."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.sessions import CONFIRMED_SECONDS
from chalicelib.services.people.oidc_providers import OidcProviders
from tests.http_api import ApiWorld
from tests.people import Visitor, visitor

ON_BOTH_ENGINES = True

GIVEN: dict[str, Any] = {
    "name": "Acme",
    "issuer": "https://id.acme.test",
    "client_id": "posthorn",
    "client_secret": "open sesame",
}


def test_a_provider_is_set_changed_and_taken_away(api: ApiWorld) -> None:
    more = {"create_domains": ["ACME.test", "größer.test", "acme.test"]}
    reply = api.manage("PATCH", "/installation", {"oidc": GIVEN | more})
    assert reply.status == 200
    assert reply.json["oidc"] == {"name": "Acme"}
    assert reply.json["oidc_settings"] == {
        "name": "Acme",
        "issuer": "https://id.acme.test",
        "client_id": "posthorn",
        "scopes": ["openid", "email", "profile"],
        "create_domains": ["acme.test", "xn--grer-wna1l.test"],
        "local_sign_in": True,
        "has_client_secret": True,
    }
    assert "sesame" not in reply.body.decode()
    changed = api.manage("PATCH", "/installation", {"oidc": {"name": "Acme ID", "scopes": None}})
    assert changed.json["oidc"] == {"name": "Acme ID"}
    assert changed.json["oidc_settings"]["has_client_secret"]
    entries = api.manage("GET", "/audit").json["data"]
    told = [one for one in entries if one["action"] == "installation.update"]
    assert len(told) == 2
    assert "sesame" not in str(entries)
    gone = api.manage("PATCH", "/installation", {"oidc": None})
    assert (gone.json["oidc"], gone.json["oidc_settings"]) == (None, None)


def test_everybody_learns_its_name_and_no_more(api: ApiWorld) -> None:
    api.manage("PATCH", "/installation", {"oidc": GIVEN})
    shown = visitor(api, Role.OWNER).ask("GET", "/installation").json
    assert (shown["oidc"], shown["oidc_settings"]) == ({"name": "Acme"}, None)


def test_the_secret_goes_to_no_other_issuer(api: ApiWorld) -> None:
    api.manage("PATCH", "/installation", {"oidc": GIVEN})
    moved = api.manage("PATCH", "/installation", {"oidc": {"issuer": "https://evil.test"}})
    assert [one["pointer"] for one in moved.json["errors"]] == ["/oidc/client_secret"]
    anew = {"issuer": "https://new.test", "client_secret": "another"}
    assert api.manage("PATCH", "/installation", {"oidc": anew}).status == 200


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": None}, "/name"),
        ({"issuer": "http://id.acme.test"}, "/oidc/issuer"),
        ({"issuer": "https://id.acme.test/?x"}, "/oidc/issuer"),
        ({"client_id": ""}, "/oidc/client_id"),
        ({"scopes": []}, "/oidc/scopes"),
        ({"scopes": ["a b"]}, "/oidc/scopes/0"),
        ({"create_domains": ["not a domain"]}, "/oidc/create_domains/0"),
        ({"local_sign_in": "no"}, "/oidc/local_sign_in"),
        ({"secret": "x"}, "/oidc/secret"),
    ],
)
def test_what_is_wrong_is_named(api: ApiWorld, change: dict[str, Any], pointer: str) -> None:
    reply = api.manage("PATCH", "/installation", {"oidc": GIVEN | change})
    assert reply.status == 422
    assert [one["pointer"] for one in reply.json["errors"]] == [pointer]
    missing = {name: value for name, value in GIVEN.items() if name != "issuer"}
    reply = api.manage("PATCH", "/installation", {"oidc": missing})
    assert [one["pointer"] for one in reply.json["errors"]] == ["/oidc/issuer"]


def test_an_operator_confirms_and_others_do_not_set_it(api: ApiWorld) -> None:
    owner, admin = visitor(api, Role.OWNER), visitor(api, admin=True)
    refused = owner.ask("PATCH", "/installation", {"oidc": GIVEN})
    assert (refused.status, refused.json["code"]) == (403, "scope_missing")
    api.scene.clock.advance(CONFIRMED_SECONDS)
    refused = admin.ask("PATCH", "/installation", {"oidc": GIVEN})
    assert (refused.status, refused.json["code"]) == (403, "confirmation_needed")
    assert admin.ask("PATCH", "/installation", {"notice": "Hello"}).status == 200


def test_where_it_alone_lets_in_no_password_does(api: ApiWorld) -> None:
    person = visitor(api)
    assert person.user is not None
    api.manage("PATCH", "/installation", {"oidc": {**GIVEN, "local_sign_in": False}})
    for password in ("correct horse battery", "wrong"):
        refused = Visitor(api).sign_in(person.user.email, password)
        assert (refused.status, refused.json["code"]) == (403, "refused")
    assert person.ask("GET", "/me").status == 200
    known = bootstrap.run(api.scene.posthorn[OidcProviders].read())
    assert known is not None
    assert not known.local_sign_in
