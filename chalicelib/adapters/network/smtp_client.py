"""Opens SMTP sessions: greeting, EHLO or HELO, STARTTLS, AUTH (RFC 5321 §3.1, RFC 3207, RFC 4954).

Opportunistic encryption falls back to clear text on a new connection whatever goes wrong between
STARTTLS and the answer to the EHLO after it (contract section 4.17): what is lost is the encryption
alone, however it was lost. A mode that requires TLS never falls back, and a password is never sent
in clear text unless the mode is "none". Every failure is a TemporaryFailure, since another host may
still take the message; it has the field `turned_away` when the server was there and the two could not
agree to talk.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from chalicelib.adapters.network.smtp_connection import SmtpConnection
from chalicelib.adapters.network.smtp_session import SmtpSession
from chalicelib.adapters.network.time_limits import TimeLimits
from chalicelib.adapters.network.tls_client import TlsMode
from chalicelib.domain.errors import SourceUnavailable, TemporaryFailure
from chalicelib.domain.reply import Reply
from chalicelib.domain.smtp.commands import Extensions, ehlo_command, read_extensions

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
    """There is no encryption on this connection, and nothing else can be said on it."""


async def open_session(dial: Dial, who: Introduction, limits: TimeLimits) -> SmtpSession:
    """A session past TLS and AUTH. Raises TemporaryFailure; SourceUnavailable when our credential
    is refused."""
    try:
        return await _open(dial, who, who.mode, limits)
    except _TlsBroken as broken:
        if who.mode is not TlsMode.OPPORTUNISTIC or who.username:
            raise TemporaryFailure(str(broken), turned_away=1) from broken
    return await _open(dial, who, TlsMode.NONE, limits)


async def _open(dial: Dial, who: Introduction, mode: TlsMode, limits: TimeLimits) -> SmtpSession:
    began = asyncio.get_running_loop().time()
    connection = await dial()
    try:
        extensions = await _introduce(connection, who, mode, limits, began)
        if who.username:
            if connection.tls is None and mode is not TlsMode.NONE:
                raise TemporaryFailure(
                    "The server offers no TLS to send the password under.", turned_away=1
                )
            await _authenticate(connection, who, extensions, limits)
    except BaseException:
        connection.abort()
        raise
    return SmtpSession(connection, extensions, limits)


async def _introduce(
    connection: SmtpConnection, who: Introduction, mode: TlsMode, limits: TimeLimits, began: float
) -> Extensions:
    if mode is TlsMode.IMPLICIT:
        await _encrypt(connection, who, limits.greeting)
    greeting = await connection.reply(limits.greeting)
    if greeting.code != 220:
        raise TemporaryFailure(
            f"The server refused the connection: {greeting}", reply=greeting, turned_away=1
        )
    extensions = await _ehlo(connection, who, limits.greeting)
    if mode in (TlsMode.NONE, TlsMode.IMPLICIT):
        return extensions
    secured = None
    if "STARTTLS" in extensions:
        seconds = limits.greeting
        if mode is TlsMode.OPPORTUNISTIC:
            # Where clear text is the way out, a stall must leave time to take it.
            seconds = limits.upgrade(asyncio.get_running_loop().time() - began)
        secured = await _upgrade(connection, who, mode, seconds)
    if secured is None and mode is TlsMode.REQUIRED:
        raise TemporaryFailure("The server offers no TLS.", turned_away=1)
    return extensions if secured is None else secured


async def _upgrade(
    connection: SmtpConnection, who: Introduction, mode: TlsMode, seconds: float
) -> Extensions | None:
    """STARTTLS and EHLO again, `seconds` for all of it; None when the server declines and the connection is still
    good."""
    try:
        async with asyncio.timeout(seconds):
            return await _try_upgrade(connection, who, mode, seconds)
    except TimeoutError as late:
        raise _TlsBroken("The server did not answer in time.") from late
    except TemporaryFailure as broken:
        raise _TlsBroken(broken.public) from broken


async def _try_upgrade(
    connection: SmtpConnection, who: Introduction, mode: TlsMode, seconds: float
) -> Extensions | None:
    reply = await _ask(connection, b"STARTTLS", seconds)
    if reply.code == 220:
        await _encrypt(connection, who, seconds)
        return await _ehlo(connection, who, seconds)
    if mode is TlsMode.OPPORTUNISTIC:
        going_on = await _ask(connection, b"NOOP", seconds)
        if reply.is_positive or going_on.code != 250:
            raise TemporaryFailure("The server's reply to STARTTLS cannot be understood.")
    return None


async def _encrypt(connection: SmtpConnection, who: Introduction, seconds: float) -> None:
    try:
        await connection.start_tls(who.context, who.host, seconds)
    except OSError as broken:
        raise _TlsBroken("The TLS handshake failed.") from broken


async def _ehlo(connection: SmtpConnection, who: Introduction, seconds: float) -> Extensions:
    connection.command(ehlo_command("EHLO", who.ehlo))
    reply = await connection.reply(seconds)
    if reply.code == 250:
        return read_extensions(reply)
    if reply.is_permanent:
        connection.command(ehlo_command("HELO", who.ehlo))
        reply = await connection.reply(seconds)
        if reply.code == 250:
            return Extensions()
    refused = f"The server refused our greeting: {reply}"
    raise TemporaryFailure(refused, reply=reply, turned_away=1)


async def _ask(
    connection: SmtpConnection, line: bytes, seconds: float, shown: bytes | None = None
) -> Reply:
    connection.command(line + b"\r\n", shown)
    return await connection.reply(seconds)


async def _authenticate(
    connection: SmtpConnection, who: Introduction, extensions: Extensions, limits: TimeLimits
) -> None:
    mechanisms = extensions.auth_mechanisms
    user, password = who.username.encode(), who.password.encode()

    ask = partial(_ask, connection, seconds=limits.greeting)

    if "PLAIN" in mechanisms:
        secret = base64.b64encode(b"\0" + user + b"\0" + password)
        reply = await ask(b"AUTH PLAIN " + secret, shown=b"AUTH PLAIN ***")
    elif "LOGIN" in mechanisms:
        reply = await ask(b"AUTH LOGIN")
        for secret in (user, password):
            if reply.code == 334:
                reply = await ask(base64.b64encode(secret), shown=b"***")
    else:
        raise SourceUnavailable("The server offers neither AUTH PLAIN nor AUTH LOGIN.")
    if reply.is_permanent:
        raise SourceUnavailable(f"The server refused our credential: {reply}", reply=reply)
    if reply.code != 235:
        raise TemporaryFailure(f"The server did not let us in: {reply}", reply=reply, turned_away=1)
