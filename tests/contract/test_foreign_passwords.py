"""Passwords that Postal kept are known again, and nothing else is."""

from __future__ import annotations

import pytest

from chalicelib.adapters.crypto.foreign_passwords import BcryptPasswords

CHECK = BcryptPasswords()
# As Ruby's bcrypt writes them; the first two are of its own tests and of the vectors of the algorithm's authors.
KNOWN = [
    ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    ("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
]


@pytest.mark.parametrize(("password", "kept"), KNOWN)
def test_vectors(password: str, kept: str) -> None:
    assert CHECK.matches(kept, password)
    assert not CHECK.matches(kept, password + "x")
    assert not CHECK.matches(kept.replace("$2a$05", "$2a$06"), password)


def test_no_more_than_72_bytes_of_a_password_count() -> None:
    import bcrypt

    kept = bcrypt.hashpw(b"a" * 72, bcrypt.gensalt(4)).decode()
    assert CHECK.matches(kept, "a" * 72)
    assert CHECK.matches(kept, "a" * 100)
    assert not CHECK.matches(kept, "a" * 71)


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "$2a$",
        "scrypt$15$8$1$x$y",
        KNOWN[0][1] + "\n",
        KNOWN[0][1][:-1],
        KNOWN[0][1].replace("$05$", "$31$"),
        KNOWN[0][1].replace("$05$", "$00$"),
        "$2a$05$" + "é" * 53,
    ],
)
def test_what_is_no_digest_matches_nothing(kept: str) -> None:
    assert not CHECK.matches(kept, "U*U")


def test_a_password_with_nul_is_nobodys() -> None:
    assert not CHECK.matches(KNOWN[0][1], "U*U\x00more")
    assert not CHECK.matches(KNOWN[2][1], "\x00")
