"""Where a provider is, what is believed of what it says of itself, and what goes there and comes back."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.domain.people.oidc_flow import asking_url, flow_of, token_request
from chalicelib.domain.people.oidc_provider import (
    OidcProvider,
    discovery_of,
    read_endpoints,
    read_provider_url,
)

ISSUER = "https://id.test/realms/acme"
TOLD: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://id.test/auth?tenant=1",
    "token_endpoint": "https://id.test/token",
    "jwks_uri": "https://keys.test/jwks",
    "userinfo_endpoint": "https://id.test/me",
}
PROVIDER = OidcProvider("Acme", ISSUER, "posthorn")
BACK = "https://mail.test/auth/oidc/callback"


def test_a_provider_says_where_it_is() -> None:
    found = read_endpoints(TOLD, ISSUER, loopback=False)
    assert found is not None
    assert found.authorization == "https://id.test/auth?tenant=1"
    assert (found.token.bare, found.keys.host) == ("https://id.test/token", "keys.test")
    assert found.user_info is not None
    assert not found.posts_secret
    assert discovery_of(ISSUER) == discovery_of(ISSUER + "/") != discovery_of("https://id.test")


@pytest.mark.parametrize(
    "more",
    [
        {"issuer": "https://evil.test"},
        {"issuer": ISSUER + "/"},
        {"issuer": None},
        {"authorization_endpoint": "http://id.test/auth"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "http://127.0.0.1/token"},
        {"token_endpoint": ["https://id.test"]},
        {"jwks_uri": "https://a:b@keys.test/"},
        {"jwks_uri": None},
    ],
)
def test_a_provider_that_is_not_believed(more: dict[str, Any]) -> None:
    assert read_endpoints(TOLD | more, ISSUER, loopback=False) is None


def test_plain_http_goes_to_loopback_alone_and_only_where_that_is_open() -> None:
    for local in ("http://localhost:4593/api/oidc", "http://127.0.0.1:1", "http://[::1]/x"):
        assert read_provider_url(local, loopback=True) is not None
        assert read_provider_url(local, loopback=False) is None
    assert read_provider_url("http://id.test", loopback=True) is None
    assert read_provider_url("http://10.0.0.1", loopback=True) is None
    assert read_provider_url("https://id.test/#x", loopback=True) is None


def test_how_the_secret_is_sent_is_the_providers_to_say() -> None:
    posts = read_endpoints(
        TOLD
        | {"token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]},
        ISSUER,
        loopback=False,
    )
    basic = read_endpoints(TOLD, ISSUER, loopback=False)
    assert posts is not None
    assert basic is not None
    flow = flow_of("t")
    fields, body = token_request(PROVIDER, posts, flow, BACK, "c/1", "s&e:t")
    assert "Authorization" not in dict(fields)
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert form == {
        "grant_type": "authorization_code",
        "code": "c/1",
        "redirect_uri": BACK,
        "code_verifier": flow.verifier,
        "client_id": "posthorn",
        "client_secret": "s&e:t",
    }
    fields, body = token_request(PROVIDER, basic, flow, BACK, "c", "s&e:t")
    said = dict(fields)["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(said) == b"posthorn:s%26e%3At"
    assert b"secret" not in body
    fields, body = token_request(PROVIDER, basic, flow, BACK, "c", "")
    assert "Authorization" not in dict(fields)
    assert parse_qs(body.decode())["client_id"] == ["posthorn"]


def test_the_browser_is_sent_with_what_belongs_to_its_token_alone() -> None:
    endpoints = read_endpoints(TOLD, ISSUER, loopback=False)
    assert endpoints is not None
    flow, other = flow_of("one"), flow_of("two")
    values = {flow.state, flow.nonce, flow.verifier, other.state, other.nonce, other.verifier}
    assert len(values) == 6
    assert all(43 <= len(value) <= 128 for value in values)
    provider = replace(PROVIDER, scopes=("email", "openid"))
    url = asking_url(provider, endpoints, flow, BACK, confirms=False)
    asked = {name: value[0] for name, value in parse_qs(urlsplit(url).query).items()}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest())
    assert asked == {
        "tenant": "1",
        "response_type": "code",
        "client_id": "posthorn",
        "redirect_uri": BACK,
        "scope": "openid email",
        "state": flow.state,
        "nonce": flow.nonce,
        "code_challenge": challenge.decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    again = asking_url(provider, endpoints, flow, BACK, confirms=True)
    confirmed = parse_qs(urlsplit(again).query)
    assert (confirmed["prompt"], confirmed["max_age"]) == (["login"], ["0"])


@pytest.mark.parametrize("token", ["", "\ud800", "x" * 1_000_000])
def test_any_text_of_a_cookie_is_a_token(token: str) -> None:
    assert flow_of(token).state == flow_of(token).state
