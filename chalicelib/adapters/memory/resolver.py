"""DNS from a dictionary: names map to record types, record types to values.

    ScriptedResolver({"example.com": {"MX": [(10, "mx.example.com")], "TXT": ["v=spf1 -all"]},
                      "mx.example.com": {"A": ["198.51.100.7"], "AAAA": ["2001:db8::7"]},
                      "198.51.100.7": {"PTR": ["mx.example.com"]}})

A name that is absent does not exist (NXDOMAIN). `fail` makes every question about a name raise. A key `*`
answers for every absent name. Only `cname` looks at CNAME, and there are no time-outs here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.errors import MailError, NotFound, TemporaryFailure
from chalicelib.domain.reply import Reply

Zone = Mapping[str, Mapping[str, Sequence[Any]]]


class ScriptedResolver:
    """The `Resolver` port over a dictionary. `zone` may be changed at any time; `asked` records the questions."""

    def __init__(self, zone: Zone | None = None) -> None:
        self.zone: dict[str, Mapping[str, Sequence[Any]]] = {}
        self.asked: list[tuple[str, str]] = []
        self._failing: dict[str, MailError] = {}
        for name, records in (zone or {}).items():
            self.zone[_ascii(name)] = records

    def fail(self, name: str, error: MailError | None = None) -> None:
        """Make questions about a name raise: a SERVFAIL unless an error is given."""
        reply = Reply(451, "4.4.3", "DNS lookup failed")
        self._failing[_ascii(name)] = error or TemporaryFailure("DNS lookup failed", reply=reply)

    def heal(self, name: str) -> None:
        """Answer questions about a name again."""
        self._failing.pop(_ascii(name), None)

    async def mx(self, domain: str) -> tuple[tuple[int, str], ...]:
        """(preference, host) pairs; NotFound for a name that is absent."""
        records = self._records(domain, "MX")
        if records is None:
            raise NotFound(f"The domain {_ascii(domain)} does not exist")
        return tuple((preference, _ascii(host)) for preference, host in records.get("MX", ()))

    async def addresses(self, host: str) -> tuple[str, ...]:
        """AAAA values, then A values."""
        records = self._records(host, "A") or {}
        return (*records.get("AAAA", ()), *records.get("A", ()))

    async def txt(self, name: str) -> tuple[str, ...]:
        """TXT values."""
        return tuple((self._records(name, "TXT") or {}).get("TXT", ()))

    async def cname(self, name: str) -> str | None:
        """The CNAME value; no other look-up here follows it."""
        values = (self._records(name, "CNAME") or {}).get("CNAME", ())
        return _ascii(values[0]) if values else None

    async def ptr(self, address: str) -> str | None:
        """The first PTR value of an address."""
        try:
            names = (self._records(address, "PTR") or {}).get("PTR", ())
        except MailError:
            return None
        return _ascii(names[0]) if names else None

    def _records(self, name: str, kind: str) -> Mapping[str, Sequence[Any]] | None:
        key = _ascii(name)
        self.asked.append((kind, key))
        if key in self._failing:
            raise self._failing[key]
        return self.zone.get(key, self.zone.get("*"))


def _ascii(name: str) -> str:
    lowered = name.rstrip(".").lower()
    if lowered.isascii():
        return lowered
    import idna

    return idna.encode(lowered, uts46=True).decode()
