"""SMTP submission, as a plain client of a Posthorn that may be anywhere.

Certificates are verified except towards this machine, where
the local stack has a self-signed one.
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass

from chalicelib.cli.failure import Failure
from chalicelib.cli.stack import LOOPBACK
from chalicelib.cli.submission.mail import Mail, composed

PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission server and how to sign in. `implicit_tls`: TLS from the first byte, as on port 465."""

    host: str
    port: int
    username: str
    key: str
    implicit_tls: bool = False


def by_smtp(mail: Mail, submission: Submission) -> str:
    """Submit by SMTP over TLS; the server's final reply. Failure with its words."""
    content = composed(mail)
    context = _tls(submission.host)
    try:
        with _connect(submission, context) as session:
            session.ehlo_or_helo_if_needed()
            if not submission.implicit_tls:
                session.starttls(context=context)
            session.login(submission.username, submission.key)
            return _transact(session, mail, content)
    except smtplib.SMTPResponseException as refused:
        text = _text(refused.smtp_error)
        raise Failure(f"The server said {refused.smtp_code} {text}") from refused
    except (smtplib.SMTPException, OSError) as failed:
        where = f"{submission.host}:{submission.port}"
        raise Failure(f"The submission server {where} cannot be used: {failed}") from failed


def _connect(submission: Submission, context: ssl.SSLContext) -> smtplib.SMTP:
    if submission.implicit_tls:
        return smtplib.SMTP_SSL(submission.host, submission.port, timeout=PATIENCE, context=context)
    return smtplib.SMTP(submission.host, submission.port, timeout=PATIENCE)


def _transact(session: smtplib.SMTP, mail: Mail, content: bytes) -> str:
    """MAIL, RCPT for each, DATA; the reply to the final dot, which `sendmail` of smtplib would swallow."""
    sender = mail.author.address
    recipients = [mailbox.address for mailbox in mail.recipients]
    options = []
    if not all(map(str.isascii, (sender, *recipients))):
        options.append("SMTPUTF8")
    if not content.isascii() and session.has_extn("8bitmime"):
        options.append("BODY=8BITMIME")
    _accepted(session.mail(sender, options), 250)
    for recipient in recipients:
        _accepted(session.rcpt(recipient), 250, 251)
    return _accepted(session.data(content), 250)


def _accepted(reply: tuple[int, bytes], *codes: int) -> str:
    """The reply as text; SMTPResponseException when it has none of the codes."""
    code, text = reply
    if code not in codes:
        raise smtplib.SMTPResponseException(code, text)
    return f"{code} {_text(text)}"


def _tls(host: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if host in LOOPBACK:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _text(reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return " ".join(text.split())
