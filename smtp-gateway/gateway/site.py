"""What all sessions of one gateway share: its services, its limits and the texts that are the same for every client."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.config import Settings
from chalicelib.domain.ids import log_id
from chalicelib.domain.mail.received import rfc2822_date
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.resolver import Resolver
from chalicelib.services.incoming.accept import AcceptIncoming
from chalicelib.services.incoming.recipients import Recipients
from chalicelib.services.incoming.strangers import Strangers
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.accept_once import AcceptOnce
from chalicelib.services.outgoing.store import StoreMail
from chalicelib.services.tenancy.authenticate import Authenticate
from gateway.clients import OpenConnections
from gateway.configuration import Configuration
from gateway.counts import SmtpCounts
from gateway.groupcommit import GroupCommit
from gateway.guesses import Guesses
from gateway.journal import Journal
from gateway.send_places import SendPlaces
from gateway.tls import ServerCertificate

TRACE_RANDOM_BYTES = 8


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the program that the gateway calls, as `program[Services]`."""

    authenticate: Authenticate
    accept: AcceptMail
    once: AcceptOnce
    places: SendPlaces
    incoming: AcceptIncoming
    recipients: Recipients
    strangers: Strangers
    store: StoreMail
    resolver: Resolver
    clock: Clock
    rand: Rand


class Site:
    """Shared by all sessions of one gateway. `held` is what their open transactions hold, in bytes."""

    def __init__(
        self,
        configuration: Configuration,
        settings: Settings,
        services: Services,
        journal: Journal,
        certificate: ServerCertificate | None,
    ) -> None:
        self.configuration = configuration
        self.settings = settings
        self.services = services
        self.journal = journal
        self.certificate = certificate
        self.hostname = settings.smtp_hostname
        self.monotonic: Callable[[], float] = services.clock.monotonic
        self.most_commands = configuration.max_idle_commands + settings.max_recipients
        self.held = 0
        self.counts = SmtpCounts()
        self.open = OpenConnections(
            configuration.max_connections,
            configuration.max_connections_per_client,
            [role for role, _ in configuration.listeners],
            configuration.listener_share,
        )
        self.guesses = Guesses(
            configuration.max_address_failures,
            configuration.address_failure_seconds,
            configuration.guesses_per_second,
            services.clock.monotonic,
        )
        self.committer = GroupCommit(
            services.store.store,
            journal.fault,
            wait=configuration.commit_wait_seconds,
            messages=configuration.commit_messages,
            size=configuration.commit_bytes,
            in_flight=configuration.commits_in_flight,
        )
        self._capabilities: dict[tuple[bool, bool], bytes] = {}
        self._date = (0, "")

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What connections that begin now are secured with."""
        return self.certificate.context if self.certificate else None

    @property
    def buffered(self) -> int:
        """Content and recipients in memory, in bytes: of open transactions, and of messages until they are stored."""
        return self.held + self.committer.held

    @property
    def is_full(self) -> bool:
        """True when no more may be taken into memory."""
        return self.buffered > self.configuration.max_buffered

    def new_trace(self) -> str:
        """The mark of one connection in its greeting and in the log: 8 upper-case alphanumerics."""
        return log_id(self.services.rand.bytes(TRACE_RANDOM_BYTES))

    def date(self) -> str:
        """Now, as mail writes dates; made once a second."""
        second = int(self.services.clock.now())
        if self._date[0] != second:
            self._date = (second, rfc2822_date(second))
        return self._date[1]

    def capabilities(self, *, secure: bool, may_authenticate: bool) -> bytes:
        """The reply to EHLO."""
        key = (secure, may_authenticate)
        reply = self._capabilities.get(key)
        if reply is None:
            reply = self._capabilities[key] = self._render_capabilities(*key)
        return reply

    def _render_capabilities(self, secure: bool, may_authenticate: bool) -> bytes:
        words = [
            f"{self.hostname} My capabilities are",
            f"SIZE {self.settings.max_message_size}",
            "PIPELINING",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
            "CHUNKING",
            "DSN",
            f"LIMITS RCPTMAX={self.settings.max_recipients}",
        ]
        if not secure and self.tls is not None:
            words.append("STARTTLS")
        if may_authenticate:
            cram = " CRAM-MD5" if self.configuration.offer_cram_md5 else ""
            words.append(f"AUTH PLAIN LOGIN{cram}")
        lines = [f"250-{word}\r\n" for word in words[:-1]] + [f"250 {words[-1]}\r\n"]
        return "".join(lines).encode()
