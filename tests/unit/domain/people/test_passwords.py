"""Passwords: which may be chosen, and that what is kept proves them and nothing else."""

from __future__ import annotations

import unicodedata

import pytest

from chalicelib.domain.errors import InvalidRequest
from chalicelib.domain.people.passwords import (
    COST,
    MOST,
    Cost,
    check_choice,
    hashed,
    is_current,
    is_foreign,
    matches,
)

CHEAP = Cost(4, 1, 1)
SALT = b"0123456789abcdef"


def test_what_is_kept_proves_the_password_alone() -> None:
    kept = hashed("correct horse battery", SALT, CHEAP)
    assert "horse" not in kept
    assert matches(kept, "correct horse battery")
    assert not matches(kept, "correct horse batterx")
    assert not matches(kept, "")
    assert hashed("correct horse battery", b"another salt....", CHEAP) != kept


def test_the_same_characters_are_the_same_password_however_they_were_typed() -> None:
    kept = hashed(unicodedata.normalize("NFD", "Grüße aus Köln"), SALT, CHEAP)
    assert matches(kept, unicodedata.normalize("NFC", "Grüße aus Köln"))


@pytest.mark.parametrize(
    "kept",
    ["", "x", "scrypt$", "scrypt$99$8$1$$", "$2b$12$abcdefghijklmnopqrstuv", "scrypt$4$1$1$!$!"],
)
def test_what_is_no_digest_of_ours_matches_nothing(kept: str) -> None:
    assert not matches(kept, "")
    assert not matches(kept, "password")


def test_what_was_kept_at_another_cost_still_matches_and_is_to_be_kept_anew() -> None:
    kept = hashed("correct horse battery", SALT, CHEAP)
    assert matches(kept, "correct horse battery")
    assert not is_current(kept)
    assert is_current(kept, CHEAP)
    assert is_current(hashed("x", SALT), COST)


def test_a_digest_of_bcrypt_is_known_by_its_beginning() -> None:
    assert is_foreign("$2a$12$abc")
    assert not is_foreign(hashed("x", SALT, CHEAP))


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "123456789",
        "x" * (MOST + 1),
        "1234567890",
        "QWERTYUIOP",
        "aaaaaaaaaaaa",
        "abababababab",
        "ada.lovelace@acme.test",
        "Ada.Lovelace",
    ],
)
def test_a_weak_password_is_not_taken(password: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_choice(password, "ada.lovelace@acme.test")
    (error,) = refused.value.errors
    assert (error.pointer, error.code) == ("/password", "password_weak")
    assert password not in error.detail


@pytest.mark.parametrize("password", ["correct horse battery", "größer denn gedacht", "x7$" * 10])
def test_any_other_is(password: str) -> None:
    check_choice(password, "ada.lovelace@acme.test")
