"""The two ways a message leaves `posthorn send`: the HTTP API and SMTP submission.

Both are plain clients of a Posthorn that may be anywhere. Certificates are verified except towards this machine, where
the local stack has a self-signed one.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import smtplib
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from chalicelib.cli.mail import Mail, composed
from chalicelib.domain.errors import PermanentFailure, TemporaryFailure

PATIENCE = 30.0
LARGEST_ANSWER = 1024 * 1024
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission server and how to sign in. `implicit_tls`: TLS from the first byte, as on port 465."""

    host: str
    port: int
    username: str
    key: str
    implicit_tls: bool = False


def by_http(mail: Mail, url: str, key: str) -> list[dict[str, object]]:
    """Send by API v2; one entry `{"to", "id", "token"}` a recipient. TemporaryFailure or PermanentFailure otherwise."""
    answer = _post(url, key, _body(mail))
    found = answer.get("emails")
    if not isinstance(found, list):
        raise PermanentFailure("The answer of the API was not understood")
    return [{"to": each["to"], "id": each["id"], "token": each["token"]} for each in found]


def by_smtp(mail: Mail, submission: Submission) -> str:
    """Submit by SMTP over TLS; the server's final reply. TemporaryFailure or PermanentFailure with its words."""
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
        raise PermanentFailure(f"The server said {refused.smtp_code} {text}") from refused
    except (smtplib.SMTPException, OSError) as failed:
        where = f"{submission.host}:{submission.port}"
        raise TemporaryFailure(
            f"The submission server {where} cannot be used: {failed}"
        ) from failed


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


def _body(mail: Mail) -> dict[str, object]:
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
    }
    return {name: value for name, value in described.items() if value is not None and value != []}


def _post(url: str, key: str, body: dict[str, object]) -> dict[str, object]:
    """The JSON answer of `POST {url}/api/v2/emails`."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    try:
        parts = urlsplit(url)
        connection = _http(parts.scheme, parts.hostname or "", parts.port)
        with contextlib.closing(connection):
            path = f"{parts.path.rstrip('/')}/api/v2/emails"
            connection.request("POST", path, json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            content = answer.read(LARGEST_ANSWER)
    except (OSError, http.client.HTTPException, ValueError) as failed:
        raise TemporaryFailure(f"{url} cannot be reached: {failed}") from failed
    return _understood(answer.status, content)


def _http(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=_tls(host))
    if scheme != "http" or not host:
        raise ValueError("the address must begin with http:// or https://")
    return http.client.HTTPConnection(host, port, timeout=PATIENCE)


def _understood(status: int, content: bytes) -> dict[str, object]:
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise PermanentFailure(f"The API answered {status} with something that is no JSON object")
    if status < 300:
        return found
    raise PermanentFailure(f"The API answered {status}: {_problem(found)}")


def _problem(found: dict[str, object]) -> str:
    """The text of a problem (RFC 9457) with each wrong field."""
    texts = [str(found.get("detail") or found.get("title") or "no reason given")]
    errors = found.get("errors")
    if isinstance(errors, list):
        texts += [
            f"{each.get('pointer', '')} {each.get('detail', '')}".strip()
            for each in errors
            if isinstance(each, dict)
        ]
    return "; ".join(texts)


def _tls(host: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if host in LOOPBACK:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _text(reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return " ".join(text.split())
