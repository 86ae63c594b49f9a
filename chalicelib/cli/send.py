"""`posthorn send`: one message from the command line, by the HTTP API or by SMTP.

It is a client like any other: what it sends goes through the same checks. Keys come from the local stack or from
variables, never from an argument that other users of the machine could read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import click

from chalicelib.cli.commands import Command, Instant, server_option
from chalicelib.cli.failure import Failure
from chalicelib.cli.session import Session, client_of
from chalicelib.cli.stack import Stack
from chalicelib.cli.submission.mail import Mail, body_of, check, file_of
from chalicelib.cli.submission.smtp import Submission, by_smtp
from chalicelib.cli.terminal import visible

SUBMISSION_PORT = 587
LARGEST_INPUT = 64 * 1024 * 1024
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("send", cls=Command)
@click.option("--from", "mail_from", metavar="ADDRESS", help="The sender; the stack's if left out.")
@click.option("--to", multiple=True, required=True, metavar="ADDRESS", help="May be repeated.")
@click.option("--subject", default="", help="The subject.")
@click.option("--text", help="The text body.")
@click.option("--html", help="The HTML body.")
@click.option("--attach", multiple=True, type=_FILE, help="A file to attach; may be repeated.")
@click.option("--tag", help="The message's tag.")
@click.option("--stream", metavar="NAME", help="The stream; transactional if left out.")
@click.option(
    "--metadata",
    multiple=True,
    metavar="NAME=VALUE",
    help="What events tell again; may be repeated.",
)
@click.option(
    "--at", type=Instant(), metavar="TIME", help="When to send it, as 2027-01-31T12:00:00Z."
)
@click.option(
    "--unsubscribe/--no-unsubscribe",
    default=None,
    help="Whether it gets one-click unsubscribe fields; the stream's if left out.",
)
@click.option(
    "--file",
    type=click.File("rb"),
    help="A whole message with its header, instead of the parts (`-`: standard input).",
)
@click.option("--smtp", is_flag=True, help="Submit by SMTP instead of HTTP.")
@click.option(
    "--url",
    metavar="URL",
    help="Where to, if not to the installation in use: https://host, or with --smtp smtp://host:587, smtps://host:465.",
)
@server_option
def send_command(
    session: Session, smtp: bool, url: str | None, server: str | None, **parts: Any
) -> None:
    """Send a message, as any client would.

    With --url the key is read from the variable POSTHORN_API_KEY, or POSTHORN_SMTP_KEY with --smtp.
    """
    stack = None if url is not None else session.stack
    mail = _mail(stack, **parts)
    check(mail)
    if smtp:
        answer = by_smtp(mail, _submission(stack, url))
        session.show({"reply": answer}, f"Accepted: {visible(answer)}")
        return
    answer = _by_api(session, stack, url, server, body_of(mail))
    found = answer.get("emails")
    if not isinstance(found, list):
        raise Failure("The answer of the API was not understood")
    accepted = [{"to": each["to"], "id": each["id"], "token": each["token"]} for each in found]
    lines = [f"Accepted for {each['to']} as message {each['id']}." for each in accepted]
    session.show({**answer, "messages": accepted}, "\n".join(visible(line) for line in lines))


def _mail(
    stack: Stack | None,
    *,
    mail_from: str | None,
    file: IO[bytes] | None,
    attach: tuple[Path, ...],
    metadata: tuple[str, ...],
    **parts: Any,
) -> Mail:
    parts["metadata"] = dict(map(_pair, metadata))
    sender = mail_from or (stack.from_address if stack is not None else None)
    if sender is None:
        raise click.UsageError("Say who sends it with --from.")
    if file is not None:
        if attach or any(parts[name] for name in ("subject", "text", "html")):
            raise click.UsageError("--file has the whole message; leave the parts out.")
        options = ("to", "tag", "stream", "metadata", "at", "unsubscribe")
        return Mail(sender, raw=_message_in(file), **{name: parts[name] for name in options})
    if parts["text"] is None and parts["html"] is None:
        raise click.UsageError("Say what to send with --text, --html or --file.")
    return Mail(sender, attachments=tuple(map(file_of, attach)), **parts)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--metadata is NAME=VALUE, not {text!r}.")
    return name, value


def _message_in(file: IO[bytes]) -> bytes:
    """The bytes of a message; a file with the bare line feeds of Unix gets CRLF, any other is taken as it is."""
    content = file.read(LARGEST_INPUT)
    if b"\r" not in content:
        content = content.replace(b"\n", b"\r\n")
    if not content:
        raise click.UsageError("The message is empty.")
    return content


def _by_api(
    session: Session, stack: Stack | None, url: str | None, server: str | None, body: Any
) -> Any:
    """The answer to a body, sent with a server's key where there is one, or else in the server that is meant."""
    if url is not None:
        own = client_of(url, _key("POSTHORN_API_KEY"))
    elif stack is not None and server is None and not session.local:
        own = client_of(stack.url, os.environ.get("POSTHORN_API_KEY") or stack.api_key)
    else:
        return session.client.send_email(body, tenant=session.server(server))
    with own as client:
        return client.send_email(body)


def _submission(stack: Stack | None, url: str | None) -> Submission:
    if url is not None:
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise click.UsageError(
                "With --smtp the address is smtp://host:port or smtps://host:port."
            )
        implicit = parts.scheme == "smtps"
        port = parts.port or (465 if implicit else SUBMISSION_PORT)
        username = parts.username or "posthorn"  # the key alone decides
        return Submission(parts.hostname, port, username, _key("POSTHORN_SMTP_KEY"), implicit)
    if stack is None:
        raise click.UsageError("Say where the submission server is with --url.")
    key = os.environ.get("POSTHORN_SMTP_KEY") or stack.smtp_key
    return Submission(stack.host, stack.submission, stack.smtp_username, key)


def _key(variable: str) -> str:
    key = os.environ.get(variable)
    if not key:
        raise click.UsageError(f"Put the key into the variable {variable}.")
    return key
