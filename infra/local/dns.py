"""The local zone: a DNS server on loopback for which the whole world is this machine.

Every name has an MX and an address here, so all mail ends in the inbox; what Posthorn tells its customers to publish
(DKIM keys, SPF, return path, DMARC) is published for every domain of the installation the moment it is added. For
tests: names under `.invalid` do not exist, `nullmx.test` takes no mail, `servfail.test` never answers properly. It does
not forward, and it knows no record types that mail has no use for.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dnslib import CNAME, MX, PTR, QTYPE, RCODE, RR, SOA, TXT, A, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer

from chalicelib.domain.errors import MailError
from infra.local.plan import HOST, INBOX_HOSTNAME

TTL = 1
TXT_STRING = 255
UDP_BYTES = 1232
REVERSE = "1.0.0.127.in-addr.arpa"
NO_SUCH_NAME = "invalid"
NULL_MX = "nullmx.test"
BROKEN = "servfail.test"


@dataclass(frozen=True, slots=True)
class Published:
    """One record that somebody publishes: kind is TXT or CNAME, the name lower-case without final dot."""

    kind: str
    name: str
    value: str


class Zone(BaseResolver):  # type: ignore[misc]  # dnslib has no types
    """Answers from `fixed`, from what `published` returns, and from the rules of the module's docstring.

    `published` is asked again when a text or a return path is not known; it may raise MailError or OSError, then the
    old answers stand.
    """

    def __init__(
        self,
        fixed: Iterable[Published],
        published: Callable[[], Iterable[Published]],
        alias_prefix: str,
    ) -> None:
        self._fixed = tuple(fixed)
        self._published = published
        self._alias_prefix = alias_prefix
        self._records: dict[tuple[str, str], list[str]] = {}
        self._looked_at = 0.0
        self._lock = threading.Lock()
        self._index(())

    def resolve(self, request: DNSRecord, _handler: DNSHandler) -> DNSRecord:
        """The reply to one query."""
        reply = request.reply()
        name = str(request.q.qname).rstrip(".").lower()
        kind = QTYPE.get(request.q.qtype, "")
        if _is_under(name, BROKEN):
            reply.header.rcode = RCODE.SERVFAIL
            return reply
        if _is_under(name, NO_SUCH_NAME):
            reply.header.rcode = RCODE.NXDOMAIN
        else:
            reply.add_answer(*self._answers(name, kind))
        if not reply.rr:
            # So that resolvers know how long to remember that there is nothing: one second.
            soa = SOA(INBOX_HOSTNAME, f"hostmaster.{INBOX_HOSTNAME}", (1, TTL, TTL, TTL, TTL))
            reply.add_auth(RR(request.q.qname, QTYPE.SOA, rdata=soa, ttl=TTL))
        return reply

    def _answers(self, name: str, kind: str) -> list[RR]:
        target = self._value("CNAME", name, is_asked_for=kind == "CNAME")
        if target:
            link = _record(name, "CNAME", CNAME(target[0]))
            return [link] if kind == "CNAME" else [link, *self._answers(target[0], kind)]
        if kind == "TXT":
            texts = self._value(kind, name, is_asked_for=True)
            return [_record(name, kind, TXT(_strings(value.encode()))) for value in texts]
        if kind == "MX":
            null = _is_under(name, NULL_MX)
            return [_record(name, kind, MX("." if null else INBOX_HOSTNAME, 0 if null else 10))]
        if kind == "A" and not name.endswith(".arpa"):
            return [_record(name, kind, A(HOST))]
        if kind == "PTR" and name == REVERSE:
            return [_record(name, kind, PTR(INBOX_HOSTNAME))]
        return []

    def points_to(self, name: str, target: str, anew: bool) -> bool:
        """Whether a (lower-case) name is known as an alias of another; an unknown one is looked for if `anew`."""
        if not anew:
            return self._records.get(("CNAME", name)) == [target]
        return self._value("CNAME", name, is_asked_for=True) == [target]

    def _value(self, kind: str, name: str, *, is_asked_for: bool) -> list[str]:
        found = self._records.get((kind, name))
        # Any look-up asks for an alias first: only names that are likely one may cost a look at the table.
        if found is None and (is_asked_for or name.startswith(f"{self._alias_prefix}.")):
            self._look_again()
            found = self._records.get((kind, name))
        return found or []

    def _look_again(self) -> None:
        asked = time.monotonic()
        with self._lock:
            if self._looked_at >= asked:
                return  # another query's look began after this one came in
            self._looked_at = time.monotonic()
            with contextlib.suppress(MailError, OSError):
                self._index(self._published())

    def _index(self, published: Iterable[Published]) -> None:
        records: dict[tuple[str, str], list[str]] = {}
        for record in (*self._fixed, *published):
            values = records.setdefault((record.kind, record.name), [])
            if record.value not in values:
                values.append(record.value)
        self._records = records


class Handler(DNSHandler):  # type: ignore[misc]  # dnslib has no types
    """Truncates what does not fit a datagram, and drops what is no DNS message without a word."""

    udplen = UDP_BYTES
    timeout = 5.0

    def setup(self) -> None:
        if hasattr(self.request, "settimeout"):
            self.request.settimeout(self.timeout)

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()


def serve(zone: Zone, port: int) -> list[DNSServer]:
    """Answer on UDP and TCP of the loopback port, in threads of their own."""
    quiet = DNSLogger(log="", logf=lambda _line: None)  # queries are not news
    servers = [
        DNSServer(zone, address=HOST, port=port, tcp=tcp, logger=quiet, handler=Handler)
        for tcp in (False, True)
    ]
    for server in servers:
        server.start_thread()
    return servers


def _is_under(name: str, top: str) -> bool:
    return name == top or name.endswith(f".{top}")


def _record(name: str, kind: str, data: object) -> RR:
    return RR(name, getattr(QTYPE, kind), rdata=data, ttl=TTL)


def _strings(text: bytes) -> list[bytes]:
    return [text[at : at + TXT_STRING] for at in range(0, len(text), TXT_STRING)] or [b""]
