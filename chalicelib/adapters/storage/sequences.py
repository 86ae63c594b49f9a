"""Decimal numbers of any length as texts that sort as the numbers do.

A change feed numbers its records with up to forty digits, which is more than a number in DynamoDB or a float holds.
"""

from __future__ import annotations

from chalicelib.domain.errors import Rejected

MOST_DIGITS = 999


def sortable(sequence: str) -> str:
    """The number of digits and the digits: `sortable(a) < sortable(b)` if and only if int(a) < int(b). Rejected for
    what is no decimal number of up to 999 digits."""
    digits = sequence.lstrip("0")
    if not sequence.isascii() or not sequence.isdecimal() or len(digits) > MOST_DIGITS:
        raise Rejected("A change has a number that is none")
    return f"{len(digits):03d}{digits}"
