"""What an independent receiver would say of a caught message: DKIM by dkimpy, SPF by pyspf, DMARC alignment by us.

Look-ups go to the DNS server of the local stack. The libraries are not linear in the length of a header and in white
space, so a message beyond the guard is not judged and says so; within it, work grows with the message's size. A verdict
never raises. DMARC here takes the last two labels as the organisation.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import dkim
import dkim.canonicalization
import dns.exception
import dns.resolver
import spf

from chalicelib.domain.mail.headers import read_headers
from infra.local.inbox_store import Caught

LARGEST_JUDGED = 4 * 1024 * 1024
LARGEST_HEADER = 64 * 1024
MOST_SIGNATURES = 8
LOOKUP_SECONDS = 5.0
# A run is looked at from its start only: from each of its bytes on, the work would be its square.
_LONG_BLANK = re.compile(rb"(?<![ \t\r\n])[ \t\r\n]{4096}")
_BLANK_AT_END = re.compile(rb"(?<![\t ])[\t ]+\r\n")
_TAG = re.compile(rb"(?:^|;)\s*([a-z]+)\s*=\s*([^;]*)")
_SPACED_NAME = re.compile(rb"^([!-9;-~]++)[ \t]++:", re.MULTILINE)
_DOMAIN = re.compile(rb"@([A-Za-z0-9.-]{1,253})")
_spf_lock = threading.Lock()

# What pyspf expects of each kind of record.
_SPF_SHAPES: dict[str, Callable[[Any], object]] = {
    "A": lambda record: record.address,
    "AAAA": lambda record: record.address,
    "MX": lambda record: (record.preference, record.exchange.to_text(True)),
    "PTR": lambda record: record.target.to_text(True),
    "TXT": lambda record: record.strings,
}


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM-Signature field and whether it verifies; `problem` is empty when it does."""

    domain: str
    selector: str
    algorithm: str
    valid: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`dkim`, `spf` and `dmarc` are Authentication-Results words (RFC 8601): pass, fail, none, neutral, …"""

    dkim: str
    spf: str
    dmarc: str
    signatures: Sequence[Signature] = ()
    note: str = ""


class Judge:
    """Verdicts with look-ups at one DNS server, given as `host:port`.

    Signatures are dated by the stack's clock, so dkimpy is told that time, and to look at a run of blanks once and not
    from each of them on; both in the whole process.
    """

    def __init__(
        self,
        dns_server: str,
        lookup_seconds: float = LOOKUP_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        dkim.time = SimpleNamespace(time=now)
        dkim.canonicalization.strip_trailing_whitespace = partial(_BLANK_AT_END.sub, b"\r\n")
        host, _, port = dns_server.rpartition(":")
        self._resolver = dns.resolver.Resolver(configure=False)
        self._resolver.nameservers = [host.strip("[]")]
        self._resolver.port = int(port)
        self._seconds = lookup_seconds

    def judge(self, caught: Caught, content: bytes) -> Verdict:
        """The verdict on a message as it was received."""
        if reason := _beyond_the_guard(content):
            return Verdict("none", "none", "none", note=f"Not judged: {reason}.")
        signatures = list(self._signatures(content))
        signed = {each.domain for each in signatures if each.valid}
        sent, spf_domain = self._spf(caught)
        authors = _DOMAIN.findall(b"".join(read_headers(content).values(b"from")[-1:]))
        author, dmarc = b"".join(authors[-1:]).decode("ascii").lower().strip("."), "none"
        if author and self._has_policy(author):
            aligned = map(_organisation, signed | ({spf_domain} if sent == "pass" else set()))
            dmarc = "pass" if _organisation(author) in aligned else "fail"
        dkim_word = "none" if not signatures else ("pass" if signed else "fail")
        return Verdict(dkim_word, sent, dmarc, signatures)

    def _signatures(self, content: bytes) -> Iterator[Signature]:
        fields = read_headers(content).values(b"dkim-signature")[:MOST_SIGNATURES]
        content = _with_names_closed(content)
        for index, value in enumerate(fields):
            tags = {tag[1]: tag[2].strip().decode("latin-1") for tag in _TAG.finditer(value)}
            try:
                checker = dkim.DKIM(content, minkey=1024, timeout=int(LOOKUP_SECONDS))
                valid = checker.verify(idx=index, dnsfunc=self._key_record)
                problem = "" if valid else "the signature does not match"
            except (dkim.DKIMException, ValueError, IndexError, KeyError, TypeError) as error:
                problem = str(error) or type(error).__name__
            except dns.exception.DNSException as error:
                problem = f"key look-up: {type(error).__name__}"
            domain, selector, algorithm = (tags.get(name, "") for name in (b"d", b"s", b"a"))
            yield Signature(domain.lower(), selector, algorithm, not problem, problem)

    def _key_record(self, name: bytes | str, **_options: object) -> bytes | None:
        text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        return next(iter(self._texts(text.rstrip("."))), None)

    def _texts(self, name: str) -> list[bytes]:
        return [b"".join(record.strings) for record in self._look_up(name, "TXT", self._seconds)]

    def _look_up(self, name: str, kind: str, seconds: float) -> Sequence[Any]:
        try:
            return list(self._resolver.resolve(name, kind, lifetime=min(seconds, self._seconds)))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []

    def _spf(self, caught: Caught) -> tuple[str, str]:
        """The SPF word and the domain that it is about. Private to this thread: pyspf's look-up is a global."""
        domain = caught.mail_from.rpartition("@")[2].lower() or caught.helo.lower()
        with _spf_lock:
            spf.DNSLookup = self._spf_lookup
            try:
                query = spf.query(
                    i=caught.peer.rpartition(":")[0] or "127.0.0.1",
                    s=caught.mail_from or f"postmaster@{domain}",
                    h=caught.helo,
                    querytime=20,
                )
                word: str = query.check()[0]
            except Exception:  # pyspf raises bare exceptions for hostile names
                word = "temperror"
        return word, domain

    def _spf_lookup(
        self, name: str, kind: str, _tcp: bool = True, timeout: float = LOOKUP_SECONDS
    ) -> list[tuple[tuple[str, str], object]]:
        if kind not in _SPF_SHAPES:
            return []
        try:
            answer = self._look_up(name, kind, timeout)
        except dns.exception.DNSException as error:
            raise spf.TempError(f"DNS {error}") from error
        return [((name, kind), _SPF_SHAPES[kind](record)) for record in answer]

    def _has_policy(self, author: str) -> bool:
        try:
            return any(
                text.lower().startswith(b"v=dmarc1")
                for name in (author, _organisation(author))
                for text in self._texts(f"_dmarc.{name}")
            )
        except dns.exception.DNSException:
            return False


def _beyond_the_guard(content: bytes) -> str:
    """Why the libraries must not see a message; empty when they may."""
    if len(content) > LARGEST_JUDGED:
        return "too large"
    header = read_headers(content)
    if header.truncated or header.body_at > LARGEST_HEADER:
        return "the header is too large"
    return "too much blank" if _LONG_BLANK.search(content) else ""


def _with_names_closed(content: bytes) -> bytes:
    """The message with `Name :` as `Name:`, which is the same to a relaxed signature: dkimpy knows no white space there
    (RFC 5322 §4.5), and takes `From :` for the first line of an mbox file."""
    body_at = read_headers(content).body_at
    return _SPACED_NAME.sub(rb"\1:", content[:body_at]) + content[body_at:]


def _organisation(domain: str) -> str:
    return ".".join(domain.lower().split(".")[-2:])
