"""The public keys are where every program looks for them."""

from __future__ import annotations

from chalicelib import bootstrap
from chalicelib.services.tenancy.installation import Installation
from onehost.web.routes import WebRoutes
from tests.http_api import ApiWorld

PATH = "/.well-known/jwks.json"


def test_anybody_may_ask_for_the_keys(api: ApiWorld) -> None:
    reply = api.call("GET", PATH)
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "public, max-age=300"
    rsa, ed25519 = reply.json["keys"]
    assert list(rsa) == ["kty", "n", "e", "kid", "use", "alg"]
    assert (rsa["kty"], rsa["e"], rsa["use"], rsa["alg"]) == ("RSA", "AQAB", "sig", "RS256")
    assert (ed25519["kty"], ed25519["crv"], ed25519["use"]) == ("OKP", "Ed25519", "sig")
    assert len(rsa["kid"]) == len(ed25519["kid"]) == 64
    assert "d" not in rsa | ed25519
    assert api.call("GET", PATH).json == reply.json


def test_it_is_the_installations_signing_key(api: ApiWorld) -> None:
    installation = bootstrap.run(api.scene.posthorn[Installation].ensure())
    assert installation.request_key is not None
    assert installation.request_key.public.encode()  # never empty
    assert WebRoutes().find("GET", PATH) is not None


def test_other_methods_are_answered_with_405(api: ApiWorld) -> None:
    reply = api.call("POST", PATH, b"{}")
    assert (reply.status, reply.headers["allow"]) == (405, "GET")
