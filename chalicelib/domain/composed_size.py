"""How large a message must become when it is composed: what is refused by its size need not be made first.

The figures are bounds from below, added up from lengths alone, so a message that fits is never refused here; what
composing adds besides is looked at when the message is there.
"""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.domain.compose import Draft
from chalicelib.domain.headerfield import Mailbox

ENCODED_LINE = 76


def base64_octets(octets: int) -> int:
    """The size of a file in base64 with its line ends (RFC 2045 section 6.8)."""
    digits = (octets + 2) // 3 * 4
    return digits + 2 * (max(digits - 1, 0) // ENCODED_LINE)


def attached_octets(content_type: str, octets: int) -> int:
    """The size of an attachment. Messages may not be in base64 (RFC 2046 section 5.2.1) and need not grow."""
    is_message = content_type.strip().lower().startswith("message/")
    return octets if is_message else base64_octets(octets)


def body_octets(draft: Draft) -> int:
    """The size of texts and attachments."""
    texts = len(draft.text or "") + len(draft.html or "")
    return texts + sum(
        attached_octets(item.content_type, len(item.content)) for item in draft.attachments
    )


def header_octets(draft: Draft) -> int:
    """The size of the header's values, those beyond ASCII as encoded words (RFC 2047)."""
    return sum(map(_text_octets, _header_texts(draft)))


def _header_texts(draft: Draft) -> Iterator[str]:
    yield draft.subject or ""
    for name, value in draft.headers:
        yield name
        yield value
    for mailbox in (draft.author, draft.sender, *draft.to, *draft.cc, *draft.reply_to):
        if isinstance(mailbox, Mailbox):
            yield mailbox.display
            yield mailbox.address


def _text_octets(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace")) * 4 // 3
