"""The `Egress` port over the real network: sessions by source, kept between messages.

A kept session that turns out to be dead before the server has answered anything is replaced by a
fresh one without a word. A source that cannot do its part is left alone for five minutes. Which
hosts to try, and what a reply means, is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.adapters.network.dialler import dial
from chalicelib.adapters.network.session_pool import SessionPool, SiteKey
from chalicelib.adapters.network.smtp_client import Introduction, open_session
from chalicelib.adapters.network.smtp_connection import SmtpConnection
from chalicelib.adapters.network.smtp_session import SmtpSession
from chalicelib.adapters.network.time_limits import TimeLimits
from chalicelib.adapters.network.tls_client import (
    TlsMode,
    opportunistic_context,
    read_tls_mode,
    unverified_context,
    verified_context,
)
from chalicelib.config import Settings
from chalicelib.domain.envelope import Envelope, Target
from chalicelib.domain.errors import (
    OutcomeUnknown,
    PermanentFailure,
    Rejected,
    SourceUnavailable,
    TemporaryFailure,
)
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource
from chalicelib.domain.transcript import Transcript
from chalicelib.ports.egress import Egress, TransactionResult
from chalicelib.ports.vault import KeyVault

MOST_SESSIONS_A_SITE = 20
MOST_MESSAGES_A_SESSION = 50
SUSPENSION_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _Suspension:
    until: float
    reason: str


class NetworkEgress(Egress):
    """Connections to the world. `trusted` replaces the system's authorities for smarthosts that
    must be verified."""

    def __init__(
        self,
        settings: Settings,
        vault: KeyVault,
        *,
        limits: TimeLimits | None = None,
        trusted: ssl.SSLContext | None = None,
        most_sessions: int = MOST_SESSIONS_A_SITE,
        most_messages: int = MOST_MESSAGES_A_SESSION,
    ) -> None:
        self._settings = settings
        self._vault = vault
        self._limits = limits or TimeLimits.of(settings)
        self._trusted = trusted
        self.pool = SessionPool(most_sessions, most_messages, self._limits.idle)
        self._suspended: dict[str, _Suspension] = {}
        self._passwords: dict[tuple[str, bytes], str] = {}

    async def connect(
        self, target: Target, source: EgressSource, transcript: Transcript | None = None
    ) -> NetworkConversation:
        """See `chalicelib.ports.egress.Egress.connect`. Raises SourceUnavailable when the fault is the
        source's."""
        self._check(source)
        key = (source.name, target.address, target.port, self._ehlo(source))
        session = await self.pool.take(key, self._limits.connect)
        was_kept = session is not None
        if transcript is not None:
            transcript.begin(target.host, target.address)
        if session is None:
            try:
                session = await self.open(target, source, transcript)
            except BaseException:
                self.pool.drop(key)
                raise
        session.connection.transcript = transcript
        return NetworkConversation(self, key, target, source, session, was_kept=was_kept)

    async def close(self) -> None:
        """Close every kept session."""
        await self.pool.close()

    async def open(
        self, target: Target, source: EgressSource, transcript: Transcript | None
    ) -> SmtpSession:
        """A fresh session. Raises TemporaryFailure; SourceUnavailable when the fault is the source's."""
        try:
            password = await self._password(source)
            who = self._introduction(target, source, password)

            async def call() -> SmtpConnection:
                connection = await dial(target, source, password, self._limits.connect)
                connection.transcript = transcript
                return connection

            return await open_session(call, who, self._limits)
        except SourceUnavailable as fault:
            self._suspend(source, fault)
            raise
        except (Rejected, PermanentFailure) as wrong:
            # It speaks of how the source is set up, and says nothing of the message.
            reason = f"Egress source {source.name} is misconfigured: {wrong.public}"
            misconfigured = SourceUnavailable(reason)
            self._suspend(source, misconfigured)
            raise misconfigured from wrong

    def _suspend(self, source: EgressSource, fault: SourceUnavailable) -> None:
        if not source.is_left_alone:
            return
        until = asyncio.get_running_loop().time() + SUSPENSION_SECONDS
        self._suspended[source.name] = _Suspension(until, fault.public)

    def _introduction(self, target: Target, source: EgressSource, password: str) -> Introduction:
        mode, name = read_tls_mode(source.tls), self._ehlo(source)
        insists = mode in (TlsMode.REQUIRED, TlsMode.IMPLICIT)
        context = unverified_context() if insists else opportunistic_context()
        if source.kind is not EgressKind.SMARTHOST:
            return Introduction(name, mode, target.host, context)
        if insists:
            context = self._trusted or verified_context(self._settings.ca_file)
        return Introduction(name, mode, source.host, context, source.username, password)

    def _ehlo(self, source: EgressSource) -> str:
        return source.ehlo or self._settings.smtp_hostname

    def _check(self, source: EgressSource) -> None:
        suspension = self._suspended.get(source.name)
        if suspension is None:
            return
        if asyncio.get_running_loop().time() < suspension.until:
            raise SourceUnavailable(suspension.reason)
        del self._suspended[source.name]

    async def _password(self, source: EgressSource) -> str:
        if source.sealed_password is None:
            return ""
        known = self._passwords.get((source.name, source.sealed_password))
        if known is None:
            opened = await self._vault.open(source.sealed_password, source.context)
            known = self._passwords[source.name, source.sealed_password] = opened.decode()
        return known


class NetworkConversation:
    """The `Conversation` port over an SMTP session."""

    def __init__(
        self,
        egress: NetworkEgress,
        key: SiteKey,
        target: Target,
        source: EgressSource,
        session: SmtpSession,
        *,
        was_kept: bool,
    ) -> None:
        self.target = target
        self._egress = egress
        self._key = key
        self._egress_source = source
        self._was_kept = was_kept
        self._given_up = False
        self._reopening: asyncio.Timeout | None = None
        self._session: SmtpSession | None = None
        self._use(session)

    def _use(self, session: SmtpSession) -> None:
        proxied = self._egress_source.kind is EgressKind.SOCKS5
        self._session = session
        self.tls: str | None = session.connection.tls
        # Behind a proxy the socket's address says nothing about where the mail comes from.
        self.source = self._egress_source.name if proxied else session.connection.local

    @property
    def has_begun(self) -> bool:
        """See `chalicelib.ports.egress.Conversation.has_begun`."""
        return self._session is not None and self._session.has_begun

    async def transact(self, envelope: Envelope, content: Sequence[bytes]) -> TransactionResult:
        """See `chalicelib.ports.egress.Conversation.transact`."""
        session = self._working()
        try:
            result = await session.transact(envelope, content)
        except OutcomeUnknown:
            raise
        except TemporaryFailure:
            if not self._was_kept or session.answered or self._given_up:
                raise
        else:
            if not (self._was_kept and result.stage == "MAIL" and result.reply.code == 421):
                return result
        # The server had closed the kept session, or says so only now: it has seen nothing of this message.
        session.abort()
        self._was_kept = False
        fresh = await self._reopen(session.connection.transcript)
        self._use(fresh)
        if self._given_up:
            fresh.abort()
            raise TemporaryFailure("The conversation is over.")
        return await fresh.transact(envelope, content)

    async def _reopen(self, transcript: Transcript | None) -> SmtpSession:
        """A fresh session in the place of a dead one, unless the conversation is closed before there is one; its kept
        siblings are closed, being as old."""
        self._egress.pool.forget(self._key)
        try:
            async with asyncio.timeout(None) as self._reopening:
                return await self._egress.open(self.target, self._egress_source, transcript)
        except TimeoutError as closed:
            raise TemporaryFailure("The connection took too long.", timed_out=1) from closed
        finally:
            self._reopening = None

    async def release(self) -> None:
        """Give the session back for reuse."""
        session, self._session = self._working(), None
        session.connection.transcript = None
        self._egress.pool.give(self._key, session)

    async def close(self) -> None:
        """Say QUIT if possible and close. A transaction under way in another task breaks off."""
        session, self._session = self._session, None
        self._given_up = True
        if self._reopening is not None:
            self._reopening.reschedule(asyncio.get_running_loop().time())
        if session is not None:
            self._egress.pool.end(self._key, session)

    def _working(self) -> SmtpSession:
        if self._session is None:
            raise TemporaryFailure("The conversation is over.")
        return self._session
