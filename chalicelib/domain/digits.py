"""Numbers as digits of a fixed length in alphabets of letters and numerals."""

from __future__ import annotations

from functools import cache

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE36 = BASE62[:36]
BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


def encode(value: int, alphabet: str, length: int) -> str:
    """A number as `length` digits of an alphabet, highest first; what does not fit is cut off at the front."""
    pairs = _pairs(alphabet)
    base, digits = len(pairs), []
    for _ in range((length + 1) // 2):
        value, digit = divmod(value, base)
        digits.append(pairs[digit])
    return "".join(reversed(digits))[-length:]


def decode(text: str, alphabet: str, length: int) -> int | None:
    """The number that `encode` wrote, or None when the text is not `length` digits of the alphabet."""
    if len(text) != length:
        return None
    value = 0
    for character in text:
        digit = alphabet.find(character)
        if digit < 0:
            return None
        value = value * len(alphabet) + digit
    return value


@cache
def _pairs(alphabet: str) -> tuple[str, ...]:
    """Every two digits of an alphabet in order: half the divisions of a long number."""
    return tuple(high + low for high in alphabet for low in alphabet)
