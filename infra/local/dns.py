"""The local zone: a DNS server on loopback for which the whole world is this machine.

Every name has an MX and an address here, so all mail ends in the inbox; what Posthorn tells its customers to publish is
published for every domain of the installation the moment it is added. For tests: names under `.invalid` do not exist,
`nullmx.test` takes no mail, `servfail.test` never answers properly, and what was put (infra/local/dns_answers.py) is
answered in place of all that. It does not forward, and it knows no record types that mail has no use for.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dnslib import AAAA, CNAME, MX, NS, PTR, QTYPE, RCODE, RR, SOA, TXT, A, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer

from chalicelib.domain.errors import MailError
from infra.local.dns_answers import PutAnswers
from infra.local.plan import HOST, INBOX_HOSTNAME

TTL = 1
TXT_STRING = 255
UDP_BYTES = 1232
REVERSE = "1.0.0.127.in-addr.arpa"
NO_SUCH_NAME = "invalid"
NULL_MX = "nullmx.test"
BROKEN = "servfail.test"
MOST_ALIASES = 16


@dataclass(frozen=True, slots=True)
class Published:
    """One record that somebody publishes: kind is TXT, CNAME or MX, the name lower-case without final dot."""

    kind: str
    name: str
    value: str


class Zone(BaseResolver):  # type: ignore[misc]  # dnslib has no types
    """Answers from `fixed`, from what `published` returns, and from the rules of the module's docstring.

    `published` is asked again when a text, an exchanger or a return path is not known; it may raise MailError or
    OSError, then the old answers stand. What was `put` comes first.
    """

    def __init__(
        self,
        fixed: Iterable[Published],
        published: Callable[[], Iterable[Published]],
        alias_prefix: str,
        put: PutAnswers | None = None,
    ) -> None:
        self.put = put or PutAnswers()
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
        links, end = self._chain(name, kind)
        reply.header.rcode = self._code(end, kind)
        if reply.header.rcode == RCODE.SERVFAIL:
            return reply
        reply.add_answer(*links)
        if reply.header.rcode == RCODE.NOERROR and len(links) < MOST_ALIASES:
            reply.add_answer(*self._answers(end, kind))
        if len(reply.rr) == len(links):
            # So that resolvers know how long to remember that there is nothing: one second.
            soa = SOA(INBOX_HOSTNAME, f"hostmaster.{INBOX_HOSTNAME}", (1, TTL, TTL, TTL, TTL))
            reply.add_auth(RR(request.q.qname, QTYPE.SOA, rdata=soa, ttl=TTL))
        return reply

    def _chain(self, name: str, kind: str) -> tuple[list[RR], str]:
        """The aliases from a name on, MOST_ALIASES for a circle, and the name to which they lead."""
        links: list[RR] = []
        while kind != "CNAME" and len(links) < MOST_ALIASES:
            put = self.put.all.get(("CNAME", name))
            if not put and (kind, name) in self.put.all:
                break
            target = put if ("CNAME", name) in self.put.all else self._alias(name)
            if not target:
                break
            links.append(_record("CNAME", name, target[0]))
            name = target[0]
        return links, name

    def _alias(self, name: str) -> Sequence[str]:
        return () if _is_odd(name) else self._value("CNAME", name, is_asked_for=False)

    def _code(self, name: str, kind: str) -> int:
        """What a question that leads to this name gets; with SERVFAIL no records."""
        put = self.put.all
        if (kind, name) in put:
            return int(RCODE.SERVFAIL if put[kind, name] is None else RCODE.NOERROR)
        if _is_under(name, BROKEN):
            return int(RCODE.SERVFAIL)
        absent = _is_under(name, NO_SUCH_NAME) and not any(each == name for _, each in put)
        return int(RCODE.NXDOMAIN if absent else RCODE.NOERROR)

    def _answers(self, name: str, kind: str) -> list[RR]:
        key = (kind, name)
        values = self.put.all[key] if key in self.put.all else self._own(name, kind)
        return [_record(kind, name, value) for value in values or ()]

    def _own(self, name: str, kind: str) -> Sequence[str]:
        """Without what was put."""
        if kind in ("TXT", "CNAME"):
            return self._value(kind, name, is_asked_for=True)
        if kind == "MX":
            if _is_under(name, NULL_MX):
                return ("0 .",)
            return self._value(kind, name, is_asked_for=True) or (f"10 {INBOX_HOSTNAME}",)
        if kind == "A" and not name.endswith(".arpa"):
            return (HOST,)
        return (INBOX_HOSTNAME,) if (kind, name) == ("PTR", REVERSE) else ()

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

    timeout = 5.0

    def setup(self) -> None:
        if hasattr(self.request, "settimeout"):
            self.request.settimeout(self.timeout)

    def get_reply(self, data: bytes) -> bytes:
        """The bytes of the reply; what is cut repeats the question, without which nobody takes it for an answer."""
        reply = self.server.resolver.resolve(DNSRecord.parse(data), self)
        packed: bytes = reply.pack()
        if self.protocol == "udp" and len(packed) > UDP_BYTES:
            cut = DNSRecord(reply.header, q=reply.q)
            cut.header.tc = 1
            packed = cut.pack()
        return packed

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


def _is_odd(name: str) -> bool:
    return _is_under(name, BROKEN) or _is_under(name, NO_SUCH_NAME)


def _record(kind: str, name: str, value: str) -> RR:
    """A record whose value is as in a zone file, a text without quotes."""
    return RR(name, getattr(QTYPE, kind), rdata=_DATA[kind](value), ttl=TTL)


def _exchanger(value: str) -> MX:
    preference, _, host = value.partition(" ")
    return MX(host, int(preference))


def _strings(text: bytes) -> list[bytes]:
    return [text[at : at + TXT_STRING] for at in range(0, len(text), TXT_STRING)] or [b""]


_DATA: dict[str, Callable[[str], object]] = {
    "A": A,
    "AAAA": AAAA,
    "CNAME": CNAME,
    "MX": _exchanger,
    "NS": NS,
    "PTR": PTR,
    "TXT": lambda value: TXT(_strings(value.encode())),
}
