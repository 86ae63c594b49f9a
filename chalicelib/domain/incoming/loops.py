"""Whether a message has been here before (api.md 2.8, 2.9): by the fields that it got on its way.

Only the header is looked at, and of one that is larger than `chalicelib.domain.mail.headers` reads, its beginning.
"""

from __future__ import annotations

import re

from chalicelib.domain.mail.headers import Headers
from chalicelib.domain.mail.mailbox import identity

MOST_RECEIVED = 50
MOST_OWN_RECEIVED = 4
DELIVERED_TO = b"delivered-to"


def has_gone_round(headers: Headers, hostname: str, added: int) -> bool:
    """True for more than MOST_RECEIVED Received fields, or more than MOST_OWN_RECEIVED by this host, counting so many
    that are added in front."""
    traces = headers.values(b"received")
    if len(traces) + added > MOST_RECEIVED:
        return True
    by_us = re.compile(rb"(?<!\S)by\s+%b(?![^\s;])" % re.escape(hostname.encode()), re.IGNORECASE)
    own = sum(by_us.search(value) is not None for value in traces)
    return own + added > MOST_OWN_RECEIVED


def was_delivered_to(headers: Headers, address: str) -> bool:
    """True when a Delivered-To field names this address, tag included, in any case of letters."""
    values = headers.values(DELIVERED_TO)
    if not values:
        return False
    wanted = _plain(address)
    return any(_plain(value.decode("utf-8", "replace")) == wanted for value in values)


def _plain(address: str) -> str:
    return identity(address.strip().strip("<>")).lower()
