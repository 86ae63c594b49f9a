"""A DNS server for tests, on loopback if nothing else is said: records per name, changeable while it runs, and names
that fail on purpose.

    with DnsZone() as zone:
        zone.mx("example.com", (10, "mx1.example.com"), (20, "mx2.example.com"))
        zone.a("mx1.example.com", "127.0.0.1")
        zone.fail("broken.example", "SERVFAIL")        # or REFUSED, TIMEOUT, NXDOMAIN, TRUNCATED, LAME
        settings = Settings(dns_server=zone.server)    # "127.0.0.1:40053"

A name nobody mentioned, with no name below it, answers NXDOMAIN; a name with other records answers
empty (NODATA). Names are compared without case. It answers over UDP and TCP, from threads of its
own. It promises nothing about EDNS or DNSSEC.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import defaultdict
from ipaddress import ip_address
from typing import Any, Self

from dnslib import (
    AAAA,
    CNAME,
    MX,
    NS,
    PTR,
    QTYPE,
    RCODE,
    RR,
    SOA,
    TXT,
    A,
    DNSHeader,
    DNSRecord,
)

FAILURES = ("SERVFAIL", "REFUSED", "TIMEOUT", "NXDOMAIN", "TRUNCATED", "LAME")


class DnsZone:
    """The server. `queries` lists (name, type, transport) in the order heard."""

    def __init__(
        self, ttl: int = 60, negative_ttl: int = 60, address: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.address = address
        self.ttl = ttl
        self.negative_ttl = negative_ttl
        self.queries: list[tuple[str, str, str]] = []
        self._records: dict[tuple[str, str], list[tuple[Any, int]]] = defaultdict(list)
        self._failures: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()
        self._udp, self._tcp = _sockets(address, port)
        self._udp.settimeout(0.1)
        self._tcp.settimeout(0.1)
        self.port: int = self._udp.getsockname()[1]
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._serve_udp, name="dns-udp", daemon=True),
            threading.Thread(target=self._serve_tcp, name="dns-tcp", daemon=True),
        ]

    @property
    def server(self) -> str:
        """`host:port`, as the setting `dns_server` wants it."""
        return f"{self.address}:{self.port}"

    def mx(self, name: str, *hosts: tuple[int, str], ttl: int | None = None) -> None:
        """Replace the MX records. `(0, "")` is a null MX."""
        self._set(name, "MX", [MX(host or ".", preference) for preference, host in hosts], ttl)

    def a(self, name: str, *addresses: str, ttl: int | None = None) -> None:
        """Replace the A records."""
        self._set(name, "A", [A(address) for address in addresses], ttl)

    def aaaa(self, name: str, *addresses: str, ttl: int | None = None) -> None:
        """Replace the AAAA records."""
        self._set(name, "AAAA", [AAAA(address) for address in addresses], ttl)

    def txt(self, name: str, *texts: str, ttl: int | None = None) -> None:
        """Replace the TXT records; a text over 255 bytes goes out as several strings."""
        values = [
            TXT([text.encode()[at : at + 255] for at in range(0, max(len(text), 1), 255)])
            for text in texts
        ]
        self._set(name, "TXT", values, ttl)

    def cname(self, name: str, target: str, ttl: int | None = None) -> None:
        """Make a name an alias."""
        self._set(name, "CNAME", [CNAME(target)], ttl)

    def ns(self, name: str, *servers: str, ttl: int | None = None) -> None:
        """Replace the NS records."""
        self._set(name, "NS", [NS(server) for server in servers], ttl)

    def ptr(self, address: str, *names: str, ttl: int | None = None) -> None:
        """Name an address."""
        self._set(ip_address(address).reverse_pointer, "PTR", [PTR(name) for name in names], ttl)

    def fail(self, name: str, how: str, kind: str = "*") -> None:
        """Let questions for a name (of one type, or all) fail."""
        assert how in FAILURES, how
        with self._lock:
            self._failures[_key(name), kind] = how

    def heal(self, name: str, kind: str = "*") -> None:
        """Undo `fail`."""
        with self._lock:
            self._failures.pop((_key(name), kind), None)

    def forget(self, name: str) -> None:
        """Remove every record of a name."""
        with self._lock:
            for key in [key for key in self._records if key[0] == _key(name)]:
                del self._records[key]

    def asked(self, name: str, kind: str) -> int:
        """How many questions for this name and type were heard."""
        return sum(1 for one in self.queries if one[:2] == (_key(name), kind))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._udp.close()
        self._tcp.close()
        for thread in self._threads:
            thread.join(5)

    def _set(self, name: str, kind: str, values: list[Any], ttl: int | None) -> None:
        with self._lock:
            self._records[_key(name), kind] = [
                (value, self.ttl if ttl is None else ttl) for value in values
            ]

    def _serve_udp(self) -> None:
        while not self._stop.is_set():
            try:
                data, client = self._udp.recvfrom(65535)
            except TimeoutError:
                continue
            except OSError:
                return
            reply = self._reply(data, "udp")
            if reply is not None:
                with contextlib.suppress(OSError):
                    self._udp.sendto(reply, client)

    def _serve_tcp(self) -> None:
        while not self._stop.is_set():
            try:
                client, _ = self._tcp.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                client.settimeout(2)
                (size,) = struct.unpack("!H", client.recv(2, socket.MSG_WAITALL))
                reply = self._reply(client.recv(size, socket.MSG_WAITALL), "tcp")
                if reply is not None:
                    client.sendall(struct.pack("!H", len(reply)) + reply)

    def _reply(self, data: bytes, transport: str) -> bytes | None:
        request = DNSRecord.parse(data)
        name, kind = _key(str(request.q.qname)), QTYPE[request.q.qtype]
        with self._lock:
            self.queries.append((name, kind, transport))
            how = self._failures.get((name, kind)) or self._failures.get((name, "*"))
            reply = DNSRecord(DNSHeader(id=request.header.id, qr=1, aa=1, ra=1), q=request.q)
            if how == "TIMEOUT":
                return None
            if how == "TRUNCATED" and transport == "udp":
                reply.header.tc = 1
            elif how in ("SERVFAIL", "REFUSED"):
                reply.header.rcode = getattr(RCODE, how)
            elif how == "LAME":
                reply.header.aa = 0
            else:
                self._answer(reply, name, kind, missing=how == "NXDOMAIN")
        return bytes(reply.pack())

    def _answer(self, reply: DNSRecord, name: str, kind: str, missing: bool) -> None:
        found = False
        for _ in range(8):
            alias = self._records.get((name, "CNAME"))
            if not alias or kind == "CNAME" or missing:
                break
            reply.add_answer(RR(name, QTYPE.CNAME, ttl=alias[0][1], rdata=alias[0][0]))
            name = _key(str(alias[0][0].label))
        for value, ttl in [] if missing else self._records.get((name, kind), []):
            reply.add_answer(RR(name, getattr(QTYPE, kind), ttl=ttl, rdata=value))
            found = True
        if found:
            return
        if missing or not self._exists(name):
            reply.header.rcode = RCODE.NXDOMAIN
        times = (1, 3600, 600, 86400, self.negative_ttl)
        zone = name.rpartition(".")[2] or "."
        soa = SOA("ns.test", "hostmaster.test", times)
        reply.add_auth(RR(zone, QTYPE.SOA, ttl=self.negative_ttl, rdata=soa))

    def _exists(self, name: str) -> bool:
        return any(
            known == name or known.endswith(f".{name}")
            for (known, _), values in self._records.items()
            if values
        )


def _key(name: str) -> str:
    return name.rstrip(".").lower()


def _sockets(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP and a listening TCP socket on the same port; 0 for a free one."""
    for _ in range(50):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((address, port))
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tcp.bind(udp.getsockname())
            tcp.listen(64)
        except OSError:
            udp.close()
            tcp.close()
            continue
        return udp, tcp
    raise OSError("no port is free for both UDP and TCP")
