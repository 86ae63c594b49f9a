"""How large a message must become when it is composed: what is refused by its size need not be made first.

The figures are bounds from below, added up from lengths and line ends alone, so a message that fits is never refused
here; what composing adds besides is looked at when the message is there.
"""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.domain.mail.compose import Attachment, Draft
from chalicelib.domain.mail.header_rendering import ENCODED_LINE, Mailbox


def base64_octets(octets: int) -> int:
    """The size of a file in base64 with its line ends (RFC 2045 section 6.8)."""
    digits = (octets + 2) // 3 * 4
    return digits + 2 * (max(digits - 1, 0) // ENCODED_LINE)


def attached_octets(content_type: str, octets: int) -> int:
    """The size of an attachment. Messages may not be in base64 (RFC 2046 section 5.2.1) and need not grow."""
    return octets if _is_message(content_type) else base64_octets(octets)


def body_octets(draft: Draft) -> int:
    """The size of texts and attachments."""
    texts = len(draft.text or "") + len(draft.html or "")
    return texts + sum(map(_octets_as_sent, draft.attachments))


def _octets_as_sent(item: Attachment) -> int:
    """As `attached_octets`, with a CR for each LF of a message that has none; it may yet become a file in base64."""
    content = item.content
    octets = attached_octets(item.content_type, len(content))
    if not _is_message(item.content_type) or b"\r" in content:
        return octets
    return min(octets + content.count(b"\n"), base64_octets(octets))


def _is_message(content_type: str) -> bool:
    return content_type.strip().lower().startswith("message/")


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
