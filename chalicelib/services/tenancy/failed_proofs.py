"""The one line of the log that each failed proof of who somebody is has, with the client's address, so that what reads
the log can keep guessers out. It names no key, user or reason: nothing that the client has chosen is in it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from chalicelib.domain.errors import Unauthenticated
from chalicelib.domain.log_lines import SIGN_IN, SIGN_IN_FAILED

LOG = logging.getLogger(SIGN_IN)


class ProofDoor(StrEnum):
    """Where somebody shows who he is, beside SMTP, which has a log of its own."""

    API = "api"
    PAGE = "page"


def tell_of_failure(door: ProofDoor, address: str) -> None:
    """Write it."""
    fields = {"door": door.value, "client": address}
    LOG.warning(SIGN_IN_FAILED, extra={"fields": fields})


@contextmanager
def failures_told(door: ProofDoor, address: str | None) -> Iterator[None]:
    """Have a failure of the block in the log, if there is an address."""
    try:
        yield
    except Unauthenticated:
        if address:
            tell_of_failure(door, address)
        raise
