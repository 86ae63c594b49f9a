"""The message that tells a sender that mail failed for good: a delivery status notification of RFC 3464.

Three parts: words for people (contract section 5), the status for programs, and the message, or its header where the
sender asked for that (RFC 3461). Of a message that needs SMTPUTF8 the parts are those of RFC 6533, encoded, so that a
sender whose own address is ASCII can read them anywhere. Whether anybody is told is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.mail.compose import (
    Attachment,
    Stamp,
    attachment_part,
    base64_lines,
    encode_text,
    multipart,
    text_part,
)
from chalicelib.domain.mail.header_rendering import Mailbox, render_mailboxes, render_text
from chalicelib.domain.mail.headers import find_body
from chalicelib.domain.mail.received import rfc2822_date
from chalicelib.domain.model import Message

FILE = "Original Message.eml"
LONGEST_LINE = 500
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_DISPOSITION = f'Content-Disposition: attachment; filename="{FILE}"\r\n'.encode()
_BASE64 = b"Content-Transfer-Encoding: base64\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Failure:
    """What there is to tell of a message. `author` is the address that it failed for, `content` its bytes, `status` an
    enhanced code that begins with 5; `remote` is the server that refused it, and `diagnostic` what that said, empty
    where there is none or it is nobody's business. `at` is when it was tried last (epoch seconds)."""

    message: Message
    content: bytes
    author: str
    postmaster: str
    server_token: str
    reporter: str
    status: str
    at: float
    remote: str = ""
    diagnostic: str = ""

    @property
    def dsn(self) -> DsnParameters:
        """What the sender asked for."""
        return self.message.dsn or DsnParameters()


def compose_report(failure: Failure, stamp: Stamp) -> bytes:
    """The whole message, CRLF lines. ASCII unless the sender's address is not, or the message that failed has 8-bit
    content and did not need SMTPUTF8."""
    parts = [
        text_part("plain", _words(failure)),
        _status(failure),
        _returned(failure),
    ]
    body = multipart("report; report-type=delivery-status", stamp.mixed, parts)
    subject = f"Mail Delivery Failed ({_one_line(failure.message.subject)})"
    front = [
        render_text("Date", stamp.date),
        render_mailboxes("From", [Mailbox("Mail Delivery Service", failure.author)]),
        render_mailboxes("To", [Mailbox("", failure.message.mail_from)]),
        f"Message-ID: <{stamp.message_id}>\r\n".encode(),
        render_text("Subject", subject),
        b"Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n",
    ]
    return b"".join([*front, *body])


def _words(failure: Failure) -> str:
    """As Postal has them, its spelling too."""
    message = failure.message
    return (
        f"This is the mail delivery service responsible for delivering mail to {failure.author}.\n\n"
        "The message you've sent cannot be delivered. Your original message is attached to this message.\n\n"
        f"For further assistance please contact {failure.postmaster}. "
        "Please include the details below to help us identify the issue.\n\n"
        f"Message Token: {message.token}@{failure.server_token}\n"
        f"Orginal Message ID: {_one_line(message.message_id)}\n"  # codespell:ignore
        f"Mail from: {message.mail_from}\n"
        f"Rcpt To: {message.rcpt_to}\n"
    )


def _status(failure: Failure) -> list[bytes]:
    text = "".join(f"{line}\n" for line in _status_lines(failure))
    if text.isascii():
        return [
            b"Content-Type: message/delivery-status\r\n\r\n",
            text.replace("\n", "\r\n").encode(),
        ]
    encoding, body = encode_text(text)
    kind = f"Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: {encoding}"
    return [f"{kind}\r\n\r\n".encode(), body]


def _status_lines(failure: Failure) -> Iterator[str]:
    message, dsn = failure.message, failure.dsn
    yield f"Reporting-MTA: dns; {failure.reporter}"
    if dsn.envid:
        yield f"Original-Envelope-Id: {_decoded(dsn.envid)}"
    yield f"Arrival-Date: {rfc2822_date(message.received_at)}"
    yield ""
    kind, _, address = dsn.orcpt.partition(";")
    if address:
        yield f"Original-Recipient: {_one_line(kind)}; {_decoded(address)}"
    kind = "rfc822" if message.rcpt_to.isascii() else "utf-8"
    yield f"Final-Recipient: {kind}; {_one_line(message.rcpt_to)}"
    yield "Action: failed"
    yield f"Status: {failure.status}"
    if failure.remote:
        yield f"Remote-MTA: dns; {_one_line(failure.remote)}"
    if failure.diagnostic:
        said = _one_line(failure.diagnostic).encode("ascii", "replace").decode()
        yield f"Diagnostic-Code: smtp; {said}"
    yield f"Last-Attempt-Date: {rfc2822_date(failure.at)}"


def _returned(failure: Failure) -> list[bytes]:
    content = failure.content
    header = content[: find_body(content, 0, len(content))]
    is_global = failure.message.smtputf8 and not header.isascii()
    if failure.dsn.ret.upper() == "HDRS":
        if is_global:
            return [b"Content-Type: message/global-headers\r\n", _BASE64, base64_lines(header)]
        bits = b"7" if header.isascii() else b"8"
        encoding = b"Content-Transfer-Encoding: %bbit\r\n\r\n" % bits
        return [b"Content-Type: text/rfc822-headers\r\n", encoding, header]
    if is_global:
        return [b"Content-Type: message/global\r\n", _DISPOSITION, _BASE64, base64_lines(content)]
    return attachment_part(Attachment(FILE, "message/rfc822", content), "attachment")


def _one_line(text: str) -> str:
    return _UNSAFE.sub(" ", text)[:LONGEST_LINE].strip()


def _decoded(xtext: str) -> str:
    """What a parameter of RFC 3461 says, or the parameter where that is no line of text."""
    try:
        octets = _XTEXT.sub(lambda found: chr(int(found[1], 16)), xtext).encode("latin-1")
        text = octets.decode()
    except UnicodeError:
        return _one_line(xtext)
    return _one_line(xtext if _UNSAFE.search(text) else text)
