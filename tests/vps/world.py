"""What is outside of the machine: a name server, a mail server that takes everything, and a clock.

Records are published as `posthorn init` printed them, from its text. The signatures of what the mail server got are
verified by dkimpy with the keys in that name server.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import dkim
from dnslib import DNSRecord

from tests.dns_zone import DnsZone
from tests.patience import PATIENCE
from tests.peers import SmtpPeer
from tests.vps.machine import WORLD

MAIL_ADDRESS, NAME_ADDRESS = WORLD
_RECORD = re.compile(r"^  ([A-Z]+) (\S+)  \([^\n]*\)\n    ([^\n]+)$", re.MULTILINE)
_SECONDS_SINCE_1900 = 2_208_988_800


@dataclass(frozen=True, slots=True)
class World:
    """The servers that others have."""

    zone: DnsZone
    peer: SmtpPeer

    def publish(self, printed: str) -> int:
        """Publish the records that were printed; how many there were."""
        texts: dict[str, list[str]] = {}
        records = _RECORD.findall(printed)
        for kind, name, value in records:
            if kind == "TXT":
                texts.setdefault(name, []).append(value)
            elif kind == "MX":
                preference, _, host = value.partition(" ")
                self.zone.mx(name, (int(preference), host))
            else:
                {"A": self.zone.a, "PTR": self.zone.ptr, "CNAME": self.zone.cname}[kind](
                    name, value
                )
        for name, values in texts.items():
            self.zone.txt(name, *values)
        return len(records)

    def signers(self, message: bytes) -> set[str]:
        """The domains whose signatures verify; AssertionError when there is one that does not."""
        verifier = dkim.DKIM(message)
        found = [value for name, value in verifier.headers if name.lower() == b"dkim-signature"]
        for index in range(len(found)):
            assert dkim.DKIM(message).verify(idx=index, dnsfunc=self._text), found[index]
        return {dkim.util.parse_tag_value(value)[b"d"].decode() for value in found}

    def _text(self, name: bytes, timeout: int = 5) -> bytes | None:  # dkimpy's signature
        question = DNSRecord.question(name.decode(), "TXT")
        answer = DNSRecord.parse(question.send(self.zone.address, self.zone.port, timeout=PATIENCE))
        return b"".join(answer.rr[0].rdata.data) if answer.rr else None


@contextmanager
def world() -> Iterator[World]:
    """The servers, on the network of the calling thread."""
    with ExitStack() as stack:
        zone = stack.enter_context(DnsZone(address=NAME_ADDRESS, port=53))
        peer = stack.enter_context(SmtpPeer(host=MAIL_ADDRESS, port=25).in_thread())
        stack.enter_context(_clock())
        zone.a("mx.example.net", MAIL_ADDRESS)
        for receiver in ("example.net", "gmail.com"):
            zone.mx(receiver, (10, "mx.example.net"))
        zone.a("pool.ntp.org", NAME_ADDRESS)
        # Checks of domains ask the servers of a zone, from its top-level zone down.
        zone.a("ns.example.net", NAME_ADDRESS)
        for top in ("com", "net"):
            zone.ns(top, "ns.example.net")
        yield World(zone, peer)


@contextmanager
def _clock() -> Iterator[None]:
    """A server that tells the time (RFC 5905)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((NAME_ADDRESS, 123))
        server.settimeout(0.2)
        stop = threading.Event()
        thread = threading.Thread(target=_tell_time, args=(server, stop), daemon=True)
        thread.start()
        yield
        stop.set()
        thread.join()


def _tell_time(server: socket.socket, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            _, client = server.recvfrom(512)
        except TimeoutError:
            continue
        seconds, part = divmod(time.time(), 1)
        since = int(seconds) + _SECONDS_SINCE_1900
        server.sendto(b"\x24" + bytes(39) + struct.pack(">II", since, int(part * 2**32)), client)
