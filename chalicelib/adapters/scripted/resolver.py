"""DNS from a dictionary: names map to record types, record types to values.

    ScriptedResolver({"example.com": {"MX": [(10, "mx.example.com")], "TXT": ["v=spf1 -all"]},
                      "mx.example.com": {"A": ["198.51.100.7"], "AAAA": ["2001:db8::7"]},
                      "198.51.100.7": {"PTR": ["mx.example.com"]}})

A name that is absent, with no name below it, does not exist (NXDOMAIN). `fail` makes every question about a name raise.
A key `*` answers for every absent name. There are no time-outs and no cache here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from chalicelib.adapters.network.resolver import ascii_name, no_answer_for, no_such_name
from chalicelib.domain.dns.message import BadName, question_of
from chalicelib.domain.errors import MailError, TemporaryFailure
from chalicelib.ports.resolver import Resolver

LONGEST_CHAIN = 8

Records = Mapping[str, Sequence[Any]]
Zone = Mapping[str, Records]


class ScriptedResolver(Resolver):
    """The `Resolver` port over a dictionary. `zone` may be changed at any time; `asked` records the questions."""

    def __init__(self, zone: Zone | None = None) -> None:
        self.zone: dict[str, Records] = {}
        self.asked: list[tuple[str, str]] = []
        self._failing: dict[str, MailError] = {}
        for name, records in (zone or {}).items():
            self.zone[_key(name)] = records

    def fail(self, name: str, error: MailError | None = None) -> None:
        """Make questions about a name raise: a SERVFAIL unless an error is given."""
        self._failing[_key(name)] = error or no_answer_for(name)

    def heal(self, name: str) -> None:
        """Answer questions about a name again."""
        self._failing.pop(_key(name), None)

    async def mx(self, domain: str) -> tuple[tuple[int, str], ...]:
        """(preference, host) pairs; NotFound for a name that is absent."""
        records = self._records(domain, "MX")
        if records is None:
            raise no_such_name(domain)
        return tuple((preference, _key(host)) for preference, host in records.get("MX", ()))

    async def addresses(self, host: str, *, whole: bool = False) -> tuple[str, ...]:
        """AAAA values, then A values."""
        if host.rstrip(".").lower() == "localhost":
            return ("::1", "127.0.0.1")
        records = self._records(host, "A") or {}
        return (*records.get("AAAA", ()), *records.get("A", ()))

    async def txt(self, name: str) -> tuple[str, ...]:
        """TXT values."""
        return tuple((self._records(name, "TXT") or {}).get("TXT", ()))

    async def cname(self, name: str) -> str | None:
        """The CNAME value."""
        values = (self._records(name, "CNAME") or {}).get("CNAME", ())
        return _key(values[0]) if values else None

    async def ns(self, zone: str) -> tuple[str, ...]:
        """NS values; NotFound for a name that is absent."""
        records = self._records(zone, "NS")
        if records is None:
            raise no_such_name(zone)
        return tuple(map(_key, records.get("NS", ())))

    async def ptr(self, address: str, *, whole: bool = False) -> tuple[str, ...]:
        """The PTR values of an address."""
        try:
            names = (self._records(str(ip_address(address)), "PTR") or {}).get("PTR", ())
        except TemporaryFailure:
            if whole:
                raise
            return ()
        except (MailError, ValueError):
            return ()
        return tuple(map(_key, names))

    def _records(self, name: str, kind: str) -> Records | None:
        """The records at the end of a chain of aliases; None for a name that does not exist."""
        try:
            key = _key(name)
        except BadName:
            return None
        self.asked.append((kind, key))
        records = self._at(key)
        for _ in range(LONGEST_CHAIN):
            if records is None or kind == "CNAME" or not records.get("CNAME"):
                break
            records = self._at(_key(records["CNAME"][0]))
        return records

    def _at(self, key: str) -> Records | None:
        if key in self._failing:
            raise self._failing[key]
        if key in self.zone:
            return self.zone[key]
        below = f".{key}"
        if any(known.endswith(below) for known in self.zone):
            return {}
        return self.zone.get("*") if _is_name(key) else None


def _key(name: str) -> str:
    return ascii_name(name).rstrip(".").lower()


def _is_name(key: str) -> bool:
    try:
        question_of(key, "A")
    except BadName:
        return False
    return True
