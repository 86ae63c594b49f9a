"""What is put in front of an outgoing message, and in which order (contract 4.10, 4.11, 4.18).

The message itself stays as it came. In front of it go Message-ID and Date when it has none, then the fields by which
its recipient unsubscribes with one click (RFC 8058), then `CFBL-Address` (RFC 9477) unless it has one, then
`X-Postal-MsgID`, then the DKIM signatures, and foremost `Resent-Sender`, which no signature covers. A message that
already has *our* token in an `X-Postal-MsgID` has been through here and gets nothing twice; a token of someone else's
changes nothing, because otherwise a submitter could switch signing off with a field.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import Rejected
from chalicelib.domain.mail.headers import Headers

ONE_CLICK = "List-Unsubscribe=One-Click"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Additions:
    """Complete fields for the front of a message. `below_signatures` stand between them and the message: give
    them to `dkim.prepare`. `sign` is False when the message carries our signatures already."""

    above_signatures: bytes
    below_signatures: tuple[bytes, ...]
    sign: bool

    def assemble(self, signatures: Sequence[bytes], content: bytes) -> tuple[bytes, ...]:
        """The parts of what is sent, in order; the content is the last and is not copied."""
        front = b"".join([self.above_signatures, *signatures, *self.below_signatures])
        return (front, content) if front else (content,)


def additions(
    headers: Headers,
    *,
    token: str,
    message_id: str,
    date: str,
    resent_sender: str | None,
    complaints_to: str | None = None,
    unsubscribe: str | None = None,
) -> Additions:
    """What to add to a message with these headers.

    `message_id` (without angle brackets) and `date` are used when the message has none; `resent_sender` is the envelope
    sender, `complaints_to` where complaints go and `unsubscribe` an address, or None to leave the field out. Raises
    Rejected when a text would break out of its field.
    """
    above_signatures = b""
    if resent_sender is not None:
        above_signatures = _field("Resent-Sender", resent_sender)
    below_signatures = []
    fresh = token.encode() not in headers.values(b"x-postal-msgid")
    if fresh:
        below_signatures.append(_field("X-Postal-MsgID", token))
    if fresh and complaints_to and not headers.count(b"cfbl-address"):
        below_signatures.append(_field("CFBL-Address", f"{complaints_to}; report=arf"))
    if fresh and unsubscribe is not None:
        below_signatures.append(_field("List-Unsubscribe", f"<{unsubscribe}>"))
        if not headers.count(b"list-unsubscribe-post"):
            below_signatures.append(_field("List-Unsubscribe-Post", ONE_CLICK))
    if not headers.count(b"message-id"):
        below_signatures.append(_field("Message-ID", f"<{message_id}>"))
    if not headers.count(b"date"):
        below_signatures.append(_field("Date", date))
    return Additions(above_signatures, tuple(below_signatures), fresh)


def _field(name: str, value: str) -> bytes:
    if _UNSAFE.search(value):
        raise Rejected(f"The {name} field would hold a control character")
    return f"{name}: {value}\r\n".encode()
