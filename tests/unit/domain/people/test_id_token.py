"""Claims of ID tokens: each that is wrong is named, and whom good ones are about."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.people.id_token import Expected, Identity, fault_of, identity_of

NOW = 1_800_000_000.0
EXPECTED = Expected("https://id.test", "posthorn", "n0nce", NOW)
GOOD: dict[str, Any] = {
    "iss": "https://id.test",
    "sub": "ada",
    "aud": "posthorn",
    "exp": NOW + 300,
    "iat": NOW - 5,
    "nonce": "n0nce",
}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"aud": ["posthorn"]},
        {"aud": ["other", "posthorn"], "azp": "posthorn"},
        {"azp": "posthorn"},
        {"nbf": NOW + 30},
        {"exp": NOW - 30},
        {"iat": NOW + 30},
    ],
)
def test_good_ones(more: dict[str, Any]) -> None:
    assert fault_of(GOOD | more, EXPECTED) == ""


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"iss": "https://id.test/"}, "iss"),
        ({"iss": None}, "iss"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "a\x00b"}, "sub"),
        ({"sub": "x" * 256}, "sub"),
        ({"aud": "other"}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": ["posthorn", "other"]}, "aud"),
        ({"aud": ["posthorn", "other"], "azp": "other"}, "aud"),
        ({"azp": "other"}, "aud"),
        ({"aud": {"posthorn": 1}}, "aud"),
        ({"exp": NOW - 61}, "exp"),
        ({"exp": str(NOW + 300)}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 10**400}, "exp"),
        ({"iat": NOW + 61}, "iat"),
        ({"iat": None}, "iat"),
        ({"nbf": NOW + 61}, "nbf"),
        ({"nonce": "other"}, "nonce"),
        ({"nonce": "n0ncé\ud800"}, "nonce"),
        ({"nonce": None}, "nonce"),
    ],
)
def test_the_claim_that_is_wrong_is_named(more: dict[str, Any], named: str) -> None:
    assert fault_of(GOOD | more, EXPECTED) == named


def test_a_claim_that_is_missing_is_wrong() -> None:
    for name in GOOD:
        without = {other: value for other, value in GOOD.items() if other != name}
        assert fault_of(without, EXPECTED) == name


def test_who_confirms_has_signed_in_there_just_now() -> None:
    confirmed = Expected("https://id.test", "posthorn", "n0nce", NOW, confirmed_since=NOW - 100)
    assert fault_of(GOOD | {"auth_time": NOW - 50}, confirmed) == ""
    assert fault_of(GOOD | {"auth_time": NOW - 150}, confirmed) == ""
    assert fault_of(GOOD | {"auth_time": NOW - 161}, confirmed) == "auth_time"
    assert fault_of(GOOD, confirmed) == "auth_time"


def test_whom_it_is_about() -> None:
    named = {"given_name": " Ada\n", "family_name": "L" * 101, "email": " Ada@Acme.Example"}
    assert identity_of(GOOD | named | {"email_verified": True}) == Identity(
        "https://id.test", "ada", "Ada@Acme.Example", "Ada", "L" * 100
    )
    assert identity_of(GOOD | named | {"email_verified": "true"}).email == "Ada@Acme.Example"


@pytest.mark.parametrize("verified", [False, None, "false", 1.5, "yes", []])
def test_an_address_that_is_not_verified_is_nobodys(verified: Any) -> None:
    assert identity_of(GOOD | {"email": "a@b.example", "email_verified": verified}).email == ""


def test_odd_names_are_left_out() -> None:
    odd = {"given_name": 7, "family_name": None, "email": ["a@b.example"], "email_verified": True}
    assert identity_of(GOOD | odd) == Identity("https://id.test", "ada")
