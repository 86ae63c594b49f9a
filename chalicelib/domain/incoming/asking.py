"""Questions to DNS from within a pure decision: a generator yields one after the other and is sent the answers.

    found = yield Ask(Kind.TXT, "example.com")

An answer is a tuple of texts, empty for a name or type that does not exist. Where DNS does not tell, `NoTelling` is
raised in the generator. Who drives it asks, and counts the time.
"""

from __future__ import annotations

from collections.abc import Generator
from enum import Enum, auto
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Kind(Enum):
    """What is asked for: texts; addresses of both families; hosts that take mail, by preference; the names of an
    address; whether a name exists (an answer that is not empty)."""

    TXT = auto()
    ADDRESSES = auto()
    MX = auto()
    PTR = auto()
    EXISTS = auto()


class Ask(NamedTuple):
    """A question."""

    kind: Kind
    name: str


class NoTelling(Exception):
    """DNS does not tell."""


Asking = Generator[Ask, tuple[str, ...], T]
