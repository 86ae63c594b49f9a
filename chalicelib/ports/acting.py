"""Who acts in the running task: the edge says so once, and the repository writes it into the audit log.

Without a word it is the system. Nothing is written down of what is only copied.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from chalicelib.domain.tenancy.audit import Acting, Actor

SYSTEM = Acting(Actor("system", "posthorn"))
_acting: ContextVar[Acting | None] = ContextVar("acting", default=SYSTEM)


def who_acts() -> Acting | None:
    """Who acts; None while what is stored is only copied."""
    return _acting.get()


@contextlib.contextmanager
def acting(who: Acting | None) -> Iterator[None]:
    """Say who acts until the end of the block."""
    token = _acting.set(who)
    try:
        yield
    finally:
        _acting.reset(token)
