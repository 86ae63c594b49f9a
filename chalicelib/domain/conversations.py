"""The conversation of an attempt beside its delivery: kept, and read again (api.md 2.10).

It is packed with what the message and the delivery say anyway, none of which ever changes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.model import Delivery, Message
from chalicelib.domain.transcript import Heard, Line, pack, unpack

# As `chalicelib.domain.smtp.classify` writes whom we spoke to.
_PLACE = re.compile(r"([^ ]*):[0-9]{1,5} \(([^ ]*)\)")


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said with one host: its name and address, our address (or the name of the way out), and the TLS that it
    had, if any."""

    host: str
    address: str
    source: str | None
    tls: str | None
    lines: tuple[Line, ...]
    truncated: bool


def with_conversation(delivery: Delivery, message: Message, heard: Heard | None) -> Delivery:
    """The delivery with what was said in it."""
    if heard is None:
        return delivery
    if _place(delivery.remote) == (heard.host, heard.address):
        heard = replace(heard, host="", address="")
    return replace(delivery, conversation=pack(heard, _known(message, delivery)) or None)


def conversation_of(message: Message, delivery: Delivery) -> Conversation | None:
    """What was said in a delivery; None where nothing was, or it is kept no longer."""
    if delivery.conversation is None:
        return None
    heard = unpack(delivery.conversation, _known(message, delivery))
    if heard is None:
        return None
    host, address = heard.host, heard.address
    if not address:
        host, address = _place(delivery.remote)
    return Conversation(
        host, address, delivery.source, delivery.tls, heard.lines, truncated=heard.truncated
    )


def _place(remote: str | None) -> tuple[str, str]:
    """Host and address."""
    found = _PLACE.fullmatch(remote or "")
    return (found[2], found[1].strip("[]")) if found else ("", "")


def _known(message: Message, delivery: Delivery) -> Sequence[str]:
    """The last stand nearest, which costs least."""
    return (
        message.token,
        delivery.source or "",
        delivery.remote or "",
        message.mail_from,
        message.rcpt_to,
        delivery.output or "",
    )
