"""A message built from what an API client described: Draft in, exact bytes out.

The structure is that of contract section 2.2: `multipart/mixed` with one `multipart/alternative` inside, then the
attachments; pictures for the HTML part stand beside it in a `multipart/related`. Bcc never appears. An attachment is
in base64, byte for byte; only a `message/*` one is sent as the lines it is, because MIME forbids to encode it.
Texts that might break a field must have passed the `*_fault` functions of `headerfield`; identifiers, date and
boundaries are passed in. Nothing here authorises a sender or adds trace fields.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from chalicelib.domain.mail.address import split_list, split_mailbox
from chalicelib.domain.mail.encoded_words import has_harmful_word
from chalicelib.domain.mail.header_rendering import (
    LONGEST_LINE,
    WANTED_LINE,
    Mailbox,
    render_content_type,
    render_mailboxes,
    render_parameters,
    render_text,
)
from chalicelib.domain.mail.mailbox import envelope_address, identity
from chalicelib.domain.mail.newlines import has_bare_newline, has_nul, normalise_newlines
from chalicelib.domain.mail.quoted_printable import quoted_printable

ONCE_ONLY = frozenset(
    "from sender reply-to to cc bcc message-id in-reply-to references subject date".split()
)
OURS_ALONE = frozenset({"from", "mime-version", "received", "return-path"})
BLIND = frozenset({"bcc", "resent-bcc"})
_MAILBOX_FIELDS = frozenset(
    "sender reply-to to cc resent-from resent-sender resent-to resent-cc".split()
) | {"disposition-notification-to", "errors-to"}
_SEVEN_BIT = b"Content-Transfer-Encoding: 7bit\r\n"
_EIGHT_BIT = b"Content-Transfer-Encoding: 8bit\r\n"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to send along. With a `content_id` it belongs to the HTML part, which shows it as `cid:`."""

    name: str
    content_type: str
    content: bytes
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as a client describes it. `headers` are extra fields; those that a parameter sets give way to it."""

    author: Mailbox
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    sender: Mailbox | None = None
    reply_to: tuple[Mailbox, ...] = ()
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()

    @property
    def needs_smtputf8(self) -> bool:
        """True when a shown address cannot be written in ASCII."""
        shown = (self.author, *self.to, *self.cc, *self.reply_to)
        return any(mailbox.needs_smtputf8 for mailbox in (*shown, self.sender) if mailbox)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes one message unique: Message-ID without brackets, RFC 5322 date, boundaries found nowhere in it."""

    message_id: str
    date: str
    mixed: str
    alternative: str
    related: str


def read_mailbox(text: str, *, any_name: bool = False) -> Mailbox | None:
    """The one mailbox that `address` or `Name <address>` means, its domain in ASCII; None for anything else, such as
    what could be read as two addresses (`split_mailbox`) or what no envelope could hold (`envelope_address`). An
    author's name may be `any_name`, as it may in a From field (contract section 2.6 rule 1)."""
    parts = split_mailbox(text, any_name=any_name)
    address = envelope_address(parts[1]) if parts else None
    return Mailbox(parts[0], address) if parts and address else None


def envelope_addresses(addresses: Iterable[str]) -> dict[str, str]:
    """Bare addresses as the envelope has them, by how they were typed: the domain in ASCII. What is no mailbox stays
    as it is, to fail on its own.

    Those of one mailbox (`domain.mailbox.identity`) are one recipient, as it was typed first (QUIRK-19).
    """
    firsts: dict[str, str] = {}
    return {
        typed: firsts.setdefault(identity(typed), envelope_address(typed) or typed)
        for typed in addresses
    }


def header_faults(headers: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """(name, fault) for each extra header that a client may not set, or sets twice where RFC 5322 allows one."""
    seen: set[str] = set()
    for name, _ in headers:
        lower = name.lower()
        if lower in OURS_ALONE or lower.startswith("content-"):
            yield name, f"the {name} header cannot be set here"
        elif lower in ONCE_ONLY and lower in seen:
            yield name, f"the {name} header is given more than once"
        seen.add(lower)


def compose(draft: Draft, stamp: Stamp) -> bytes:
    """The message, CRLF lines of at most 998 octets, ASCII unless an address needs SMTPUTF8 or an attached message is
    not."""
    attached = [item for item in draft.attachments if item.content_id is None]
    parts = [
        _alternative(draft, stamp),
        *(attachment_part(item, "attachment") for item in attached),
    ]
    kind, encoding, *body = multipart("mixed", stamp.mixed, parts, "; charset=UTF-8")
    return b"".join([*_fields(draft, stamp, kind + encoding), *body])


def _fields(draft: Draft, stamp: Stamp, mime: bytes) -> Iterator[bytes]:
    extra = [(name, value) for name, value in draft.headers if name.lower() not in BLIND]
    dates = (value for name, value in extra if name.lower() == "date" and is_date(value))
    date = next(dates, stamp.date)
    yield render_text("Date", date)
    yield render_mailboxes("From", [draft.author])
    given = {"from", "date", "message-id", "mime-version"}
    for name, mailboxes in (
        ("Sender", (draft.sender,) if draft.sender else ()),
        ("Reply-To", draft.reply_to),
        ("To", draft.to),
        ("Cc", draft.cc),
    ):
        if shown := [mailbox for mailbox in mailboxes if mailbox.address]:
            given.add(name.lower())
            yield render_mailboxes(name, shown)
    yield f"Message-ID: <{stamp.message_id}>\r\n".encode()
    if draft.subject is not None:
        given.add("subject")
        yield render_text("Subject", draft.subject)
    yield b"MIME-Version: 1.0\r\n" + mime
    for name, value in extra:
        if name.lower() not in given:
            yield _extra_field(name, value)


def _extra_field(name: str, value: str) -> bytes:
    harmful = has_harmful_word(value)
    if name.lower() in _MAILBOX_FIELDS and (harmful or not value.isascii()):
        read = [read_mailbox(entry) for entry in split_list(value)]
        mailboxes = [mailbox for mailbox in read if mailbox]
        if mailboxes and len(mailboxes) == len(read):
            return render_mailboxes(name, mailboxes)
        if harmful:  # encoded again, it would be decoded twice by who takes it for an address
            value = value.replace("=?", "= ?")
    return render_text(name, value)


def is_date(value: str) -> bool:
    """True for a date that mail programs can read, in the form of RFC 5322 or near it."""
    from email.utils import parsedate_tz  # slow to load, and hardly anyone sets a date

    return len(value) <= LONGEST_LINE and parsedate_tz(value) is not None


def _alternative(draft: Draft, stamp: Stamp) -> list[bytes]:
    parts = []
    if draft.text is not None and draft.text.strip():
        parts.append(text_part("plain", draft.text))
    if draft.html is not None and draft.html.strip():
        parts.append(_html_part(draft, stamp))
    return multipart("alternative", stamp.alternative, parts)


def _html_part(draft: Draft, stamp: Stamp) -> list[bytes]:
    page = text_part("html", draft.html or "")
    shown = [item for item in draft.attachments if item.content_id is not None]
    if not shown:
        return page
    parts = [page, *(attachment_part(item, "inline") for item in shown)]
    return multipart('related; type="text/html"', stamp.related, parts)


def multipart(
    subtype: str, boundary: str, parts: Sequence[list[bytes]], more: str = ""
) -> list[bytes]:
    """A multipart: its two fields, then the rest. It is 8-bit when a part of it is (RFC 2045 section 6.4). `more` are
    parameters behind the boundary."""
    kind = _content_type(f'multipart/{subtype}; boundary="{boundary}"{more}')
    encoding = _EIGHT_BIT if any(_EIGHT_BIT in part for part in parts) else _SEVEN_BIT
    mark = f"--{boundary}".encode()
    between = [piece for part in parts for piece in (mark + b"\r\n", *part, b"\r\n")]
    return [kind, encoding, b"\r\n", *between, mark + b"--\r\n"]


def text_part(subtype: str, text: str) -> list[bytes]:
    """A part of text in UTF-8."""
    encoding, body = encode_text(text)
    return [
        _content_type(f"text/{subtype}; charset=UTF-8"),
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode(),
        body,
    ]


def encode_text(text: str) -> tuple[str, bytes]:
    """Transfer encoding and encoded body: 7bit for short ASCII lines, else the shorter of the two encodings, of which
    quoted-printable must keep to its short lines."""
    plain = normalise_newlines(text.encode("utf-8", "replace")).replace(b"\r\n", b"\n")
    if plain.isascii() and not has_nul(plain) and not _has_line_above(WANTED_LINE, plain):
        return "7bit", plain.replace(b"\n", b"\r\n")
    quoted = quoted_printable(plain)
    if quoted is not None and len(quoted) <= len(plain) * 4 // 3:
        return "quoted-printable", quoted.replace(b"\n", b"\r\n")
    return "base64", base64_lines(plain.replace(b"\n", b"\r\n"))


def _has_line_above(octets: int, text: bytes) -> bool:
    """True when a line of LF or CRLF lines is longer. The lines are never in memory one by one."""
    long = re.compile(rb"\n[^\r\n]{%d}" % (octets + 1))
    return bool(long.match(b"\n" + text[: octets + 1]) or long.search(text))


def attachment_part(item: Attachment, disposition: str) -> list[bytes]:
    """A part that is a file."""
    content_type, encoding, body = _as_sent(item)
    fields = [
        render_content_type(content_type, item.name),
        f"Content-Transfer-Encoding: {encoding}\r\n".encode(),
        render_parameters("Content-Disposition", disposition, [("filename", item.name)]),
    ]
    if item.content_id is not None:
        fields.append(render_text("Content-ID", f"<{item.content_id}>"))
    return [*fields, b"\r\n", body]


def _as_sent(item: Attachment) -> tuple[str, str, bytes]:
    """Content type, transfer encoding and encoded body of a file.

    MIME forbids base64 for `message/*` and `multipart/*` (RFC 2045 section 6.4): messages go as the lines they are, and
    what cannot, or is a multipart without a message around it, is a file like any other.
    """
    kind = item.content_type.partition("/")[0].strip().lower()
    if kind == "message" and (lines := _as_lines(item.content)) is not None:
        return item.content_type, "7bit" if lines.isascii() else "8bit", lines
    content_type = item.content_type
    if kind in ("message", "multipart"):
        content_type = "application/octet-stream"
    return content_type, "base64", base64_lines(item.content)


def _as_lines(content: bytes) -> bytes | None:
    """A file as CRLF lines, if it has such lines or LF throughout, none too long and no NUL; else None."""
    if b"\r" not in content:
        content = content.replace(b"\n", b"\r\n")
    if has_nul(content) or has_bare_newline(content):
        return None
    return None if _has_line_above(LONGEST_LINE, content) else content


def base64_lines(content: bytes) -> bytes:
    """Any bytes in base64, without a line break at the end."""
    return base64.encodebytes(content).rstrip(b"\n").replace(b"\n", b"\r\n")


def _content_type(value: str) -> bytes:
    """A Content-Type field; its boundary goes on a line of its own."""
    return f"Content-Type: {value}\r\n".replace("; boundary=", ";\r\n boundary=").encode()
