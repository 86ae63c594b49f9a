"""What `posthorn send` sends: described on the command line, checked once for both transports, and composed as the API
composes it.

What passes `check` holds nothing that could break out of a header field or envelope line. Whether the sender may send
it, the server decides.
"""

from __future__ import annotations

import base64
import json
import mimetypes
import re
import secrets
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.cli.failure import Failure
from chalicelib.domain.mail.compose import Attachment, Draft, Stamp, compose, read_mailbox
from chalicelib.domain.mail.header_rendering import (
    LONGEST_FILENAME,
    Mailbox,
    content_type_fault,
    text_fault,
)
from chalicelib.domain.mail.mailbox import domain_of
from chalicelib.domain.mail.received import rfc2822_date

LONGEST_TAG = 100
SHOWN = 80
_NOT_UTF8 = re.compile("[\ud800-\udfff]")  # what Python makes of other bytes in an argument


@dataclass(frozen=True, slots=True)
class Mail:
    """What to send: a whole message in `raw`, or the parts of one."""

    mail_from: str
    to: tuple[str, ...]
    subject: str = ""
    text: str | None = None
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    tag: str | None = None
    raw: bytes | None = None
    stream: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    at: str | None = None
    unsubscribe: bool | None = None

    @property
    def author(self) -> Mailbox:
        """The sender. Failure when that is not one address."""
        return _mailbox("--from", self.mail_from, any_name=True)

    @property
    def recipients(self) -> tuple[Mailbox, ...]:
        """To whom. Failure when one of them is not one address."""
        return tuple(_mailbox("--to", text) for text in self.to)


def file_of(path: Path) -> Attachment:
    """A file to attach, its type by its name."""
    kind, encoding = mimetypes.guess_type(path.name)
    if kind is None or encoding is not None:
        kind = "application/octet-stream"
    return Attachment(path.name, kind, path.read_bytes())


def check(mail: Mail) -> None:
    """Raise Failure, naming the option, for a text that cannot be sent."""
    for what, fault in _faults(mail):
        if fault is not None:
            raise Failure(f"{what} {fault}")


def composed(mail: Mail) -> bytes:
    """The bytes of a checked mail, its lines in CRLF."""
    if mail.raw is not None:
        fields = "".join(f"{name}: {value}\r\n" for name, value in _options(mail))
        return fields.encode() + mail.raw
    draft = Draft(
        author=mail.author,
        to=mail.recipients,
        subject=mail.subject or None,
        text=mail.text,
        html=mail.html,
        headers=((("X-Postal-Tag", mail.tag),) if mail.tag else ()) + _options(mail),
        attachments=mail.attachments,
    )
    message_id = f"{uuid.uuid4()}@{domain_of(draft.author.address)}"
    boundaries = (f"=_{secrets.token_hex(15)}" for _ in range(3))
    return compose(draft, Stamp(message_id, rfc2822_date(time.time()), *boundaries))


def body_of(mail: Mail) -> dict[str, object]:
    """The request of `POST /api/v2/emails`; what is absent is left out."""
    described: dict[str, object | None] = {
        "from": mail.mail_from,
        "to": list(mail.to),
        "subject": mail.subject or None,
        "text": mail.text,
        "html": mail.html,
        "tag": mail.tag or None,
        "attachments": [
            {
                "filename": attachment.name,
                "content_type": attachment.content_type,
                "content": base64.b64encode(attachment.content).decode(),
            }
            for attachment in mail.attachments
        ],
        "raw": None if mail.raw is None else base64.b64encode(mail.raw).decode(),
        "stream": mail.stream,
        "metadata": dict(mail.metadata) or None,
        "scheduled_at": mail.at,
        "unsubscribe": mail.unsubscribe,
    }
    return {name: value for name, value in described.items() if value is not None and value != []}


def _options(mail: Mail) -> tuple[tuple[str, str], ...]:
    """The fields by which SMTP is told how it is to be sent."""
    metadata = json.dumps(dict(mail.metadata)) if mail.metadata else None
    wanted = None if mail.unsubscribe is None else ("yes" if mail.unsubscribe else "no")
    fields = (
        ("X-Posthorn-Stream", mail.stream),
        ("X-Posthorn-Metadata", metadata),
        ("X-Posthorn-Schedule", mail.at),
        ("X-Posthorn-Unsubscribe", wanted),
    )
    return tuple((name, value) for name, value in fields if value is not None)


def _mailbox(option: str, text: str, *, any_name: bool = False) -> Mailbox:
    if fault := text_fault(text):
        raise Failure(f"{option} {text[:SHOWN]} {fault}")
    mailbox = read_mailbox(text, any_name=any_name)
    if mailbox is None:
        raise Failure(f"{option} {text[:SHOWN]} is not one e-mail address")
    return mailbox


def _faults(mail: Mail) -> Iterator[tuple[str, str | None]]:
    """Each text with what is wrong with it, None when that is nothing."""
    _ = mail.author, mail.recipients
    yield "--subject", text_fault(mail.subject)
    yield "--tag", text_fault(mail.tag or "", LONGEST_TAG)
    yield "--stream", text_fault(mail.stream or "", LONGEST_TAG)
    for option, text in (("--text", mail.text), ("--html", mail.html)):
        yield option, "is not UTF-8" if _NOT_UTF8.search(text or "") else None
    for file in mail.attachments:
        name = f"The file name {file.name[:SHOWN]}"
        yield name, text_fault(file.name, LONGEST_FILENAME)
        yield f"{name} stands for a type that", content_type_fault(file.content_type)
