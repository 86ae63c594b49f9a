"""Ten codes that stand in for a lost second factor, each once: what they look like, and what is kept of them.

A code has 50 bits, in letters and digits that nobody confuses. Of all ten the scrypt digests are kept, under one salt,
so that a code that is tried costs one derivation whatever it is. Case, blanks and hyphens do not matter; `o`, `i` and
`l` are read as the digits they look like (Crockford's base 32).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

CODES = 10
RANDOM_BYTES = 64
SALT_BYTES = 16
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 10
_COST, _BLOCK = 1 << 12, 8  # 4 MiB; of 50 random bits nobody finds any, whatever a trial costs
_DIGEST_BYTES = 32
_AS_DIGITS = str.maketrans({"o": "0", "i": "1", "l": "1", "-": ""})


def new_codes(chance: bytes) -> tuple[str, ...]:
    """Ten codes of `RANDOM_BYTES` random bytes, such as `4kx7m-9qd2t`."""
    number = int.from_bytes(chance, "big")
    if len(chance) != RANDOM_BYTES:
        raise ValueError(f"{RANDOM_BYTES} random bytes are needed")
    texts = []
    for _ in range(CODES):
        letters = []
        for _ in range(_LENGTH):
            number, digit = divmod(number, len(_LETTERS))
            letters.append(_LETTERS[digit])
        texts.append("".join(letters[:5]) + "-" + "".join(letters[5:]))
    return tuple(texts)


def digests_of(codes: Iterable[str], salt: bytes) -> tuple[str, ...]:
    """What is kept of codes: `salt.digest`, both in hexadecimal digits."""
    return tuple(f"{salt.hex()}.{_digest(_plain(code), salt).hex()}" for code in codes)


def without(kept: tuple[str, ...], code: str) -> tuple[str, ...] | None:
    """What is kept once this code is used; None for a code that is not among them."""
    plain = _plain(code[:64])
    if len(plain) != _LENGTH or not set(plain) <= set(_LETTERS) or not kept:
        return None
    salt = bytes.fromhex(kept[0].partition(".")[0])
    mine = f"{salt.hex()}.{_digest(plain, salt).hex()}"
    left = tuple(one for one in kept if not hmac.compare_digest(one, mine))
    return left if len(left) < len(kept) else None


def _plain(code: str) -> str:
    return "".join(code.lower().split()).translate(_AS_DIGITS)


def _digest(plain: str, salt: bytes) -> bytes:
    return hashlib.scrypt(plain.encode(), salt=salt, n=_COST, r=_BLOCK, p=1, dklen=_DIGEST_BYTES)
