"""Opens SMTP sessions: greeting, EHLO or HELO, STARTTLS, AUTH (RFC 5321 §3.1, RFC 3207, RFC 4954).

Opportunistic encryption falls back to clear text on a new connection when the handshake breaks
(contract section 4.17); a mode that requires TLS never does, and a password is never sent in clear
text unless the mode is "none". Every failure is a TemporaryFailure, since another host may still
take the message.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chalicelib.adapters.smtp_connection import SmtpConnection
from chalicelib.adapters.smtp_session import SmtpSession, TimeLimits
from chalicelib.adapters.tls_client import TlsMode
from chalicelib.domain.errors import SourceUnavailable, TemporaryFailure
from chalicelib.domain.reply import Reply
from chalicelib.domain.smtp_commands import Extensions, ehlo_command, read_extensions

Dial = Callable[[], Awaitable[SmtpConnection]]


@dataclass(frozen=True, slots=True)
class Introduction:
    """How we present ourselves. `host` is whom the certificate must name; `context` decides whether
    it is verified."""

    ehlo: str
    mode: TlsMode
    host: str
    context: ssl.SSLContext
    username: str = ""
    password: str = ""


class _TlsBroken(Exception):
    """The handshake failed, or the server left right after it."""


async def open_session(dial: Dial, who: Introduction, limits: TimeLimits) -> SmtpSession:
    """A session past TLS and AUTH. Raises TemporaryFailure; SourceUnavailable when our credential
    is refused."""
    try:
        return await _open(dial, who, who.mode, limits)
    except _TlsBroken as broken:
        if who.mode is not TlsMode.OPPORTUNISTIC or who.username:
            raise TemporaryFailure("The TLS handshake failed.") from broken
    return await _open(dial, who, TlsMode.NONE, limits)


async def _open(dial: Dial, who: Introduction, mode: TlsMode, limits: TimeLimits) -> SmtpSession:
    connection = await dial()
    try:
        extensions = await _introduce(connection, who, mode, limits)
        if who.username:
            if connection.tls is None and mode is not TlsMode.NONE:
                raise TemporaryFailure("The smarthost offers no TLS to send the password under.")
            await _authenticate(connection, who, extensions, limits)
    except BaseException:
        connection.abort()
        raise
    return SmtpSession(connection, extensions, limits)


async def _introduce(
    connection: SmtpConnection, who: Introduction, mode: TlsMode, limits: TimeLimits
) -> Extensions:
    if mode is TlsMode.IMPLICIT:
        await _encrypt(connection, who, limits)
    greeting = await connection.reply(limits.reply)
    if greeting.code != 220:
        raise TemporaryFailure(f"The server refused the connection: {greeting}", reply=greeting)
    extensions = await _ehlo(connection, who, limits)
    if mode in (TlsMode.NONE, TlsMode.IMPLICIT):
        return extensions
    secured = await _upgrade(connection, who, extensions, limits)
    if secured is None and mode is TlsMode.REQUIRED:
        raise TemporaryFailure("The server offers no TLS.")
    return extensions if secured is None else secured


async def _upgrade(
    connection: SmtpConnection, who: Introduction, extensions: Extensions, limits: TimeLimits
) -> Extensions | None:
    """STARTTLS and EHLO again; None when the server does not want to."""
    if "STARTTLS" not in extensions:
        return None
    connection.say(b"STARTTLS\r\n")
    reply = await connection.reply(limits.reply)
    if reply.code != 220:
        return None
    await _encrypt(connection, who, limits)
    try:
        return await _ehlo(connection, who, limits)
    except TemporaryFailure as gone:
        if not connection.has_failed:
            raise
        # TLS 1.3 lets the client finish first: a server that did not like the handshake hangs up here.
        raise _TlsBroken from gone


async def _encrypt(connection: SmtpConnection, who: Introduction, limits: TimeLimits) -> None:
    try:
        await connection.start_tls(who.context, who.host, limits.reply)
    except OSError as broken:
        raise _TlsBroken from broken


async def _ehlo(connection: SmtpConnection, who: Introduction, limits: TimeLimits) -> Extensions:
    connection.say(ehlo_command("EHLO", who.ehlo))
    reply = await connection.reply(limits.reply)
    if reply.code == 250:
        return read_extensions(reply)
    if reply.is_permanent:
        connection.say(ehlo_command("HELO", who.ehlo))
        reply = await connection.reply(limits.reply)
        if reply.code == 250:
            return Extensions()
    raise TemporaryFailure(f"The server refused our greeting: {reply}", reply=reply)


async def _authenticate(
    connection: SmtpConnection, who: Introduction, extensions: Extensions, limits: TimeLimits
) -> None:
    mechanisms = extensions.auth_mechanisms
    user, password = who.username.encode(), who.password.encode()

    async def ask(line: bytes) -> Reply:
        connection.say(line + b"\r\n")
        return await connection.reply(limits.reply)

    if "PLAIN" in mechanisms:
        reply = await ask(b"AUTH PLAIN " + base64.b64encode(b"\0" + user + b"\0" + password))
    elif "LOGIN" in mechanisms:
        reply = await ask(b"AUTH LOGIN")
        for secret in (user, password):
            if reply.code == 334:
                reply = await ask(base64.b64encode(secret))
    else:
        raise SourceUnavailable("The smarthost offers neither AUTH PLAIN nor AUTH LOGIN.")
    if reply.is_permanent:
        raise SourceUnavailable(f"The smarthost refused our credential: {reply}", reply=reply)
    if reply.code != 235:
        raise TemporaryFailure(f"The smarthost did not let us in: {reply}", reply=reply)
