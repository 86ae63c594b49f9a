"""Passwords: which may be chosen, and how they are kept (api.md 2.2).

What is kept is `scrypt$<log2 n>$<r>$<p>$<salt>$<digest>`, so that the cost can rise and those from before still work.
What came from Postal is kept in the form that bcrypt has, which begins with `$2`: it is checked once, when its owner
signs in, and kept in ours from then on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass

from chalicelib.domain.errors import wrong_field
from chalicelib.domain.people.common_passwords import COMMON

LEAST, MOST = 10, 200
SALT_BYTES = 16
WEAK = "password_weak"
_FORM = re.compile(r"scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)")
_MOST_MEMORY = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What one check takes: 128 · r · 2^log_n bytes of memory, p times."""

    log_n: int = 15
    r: int = 8
    p: int = 1


COST = Cost()


def hashed(password: str, salt: bytes, cost: Cost = COST) -> str:
    """What is kept of a password."""
    digest = base64.b64encode(_digest(password, salt, cost)).decode()
    return f"scrypt${cost.log_n}${cost.r}${cost.p}${base64.b64encode(salt).decode()}${digest}"


def is_foreign(kept: str) -> bool:
    """Whether it is kept as bcrypt has it."""
    return kept.startswith("$2")


def is_current(kept: str, cost: Cost = COST) -> bool:
    """Whether it is kept as it would be now."""
    return kept.startswith(f"scrypt${cost.log_n}${cost.r}${cost.p}$")


def matches(kept: str, password: str) -> bool:
    """Whether a password is the one that is kept; False for what is no digest of ours."""
    form = _FORM.fullmatch(kept)
    if form is None:
        return False
    cost = Cost(int(form[1]), int(form[2]), int(form[3]))
    salt, digest = base64.b64decode(form[4]), base64.b64decode(form[5])
    return hmac.compare_digest(_digest(password, salt, cost), digest)


def check_choice(password: str, email: str, field: str = "password") -> None:
    """InvalidRequest for a password that is too short or long, the address, or among the commonest."""
    plain = _canonical(password).casefold()
    if not LEAST <= len(password) <= MOST:
        raise wrong_field(field, f"A password has {LEAST} to {MOST} characters", WEAK)
    if plain in COMMON or len(set(plain)) < 3:
        raise wrong_field(field, "This password is one that many people use; choose another", WEAK)
    if plain in {email.casefold(), email.casefold().partition("@")[0]}:
        raise wrong_field(field, "The password must not be the address", WEAK)


def _canonical(password: str) -> str:
    """The same for the same characters, however a keyboard made them."""
    return unicodedata.normalize("NFC", password)


def _digest(password: str, salt: bytes, cost: Cost) -> bytes:
    octets = _canonical(password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(
        octets, salt=salt, n=1 << cost.log_n, r=cost.r, p=cost.p, maxmem=_MOST_MEMORY, dklen=32
    )
