"""What is published in DNS, beside what should be.

All look-ups of a check run at the same time, each question once, and end after `CHECK_SECONDS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

from chalicelib.domain.dns import dmarc, spf
from chalicelib.domain.dns.compare import compare, compare_dmarc, compare_mx, unknown
from chalicelib.domain.dns.records import DnsRecord
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.tenancy.findings import Finding, Purpose
from chalicelib.ports.name_servers import NameServers

CHECK_SECONDS = 20.0
MOST_POLICIES = 40  # of other names that an SPF policy leads to
TOO_LATE = "The name servers did not answer in time."

Findings = tuple[Finding, ...]


async def look_at(
    name_servers: NameServers, records: Sequence[DnsRecord], seconds: float | None = None
) -> Findings:
    """How what is published compares with each of the records; Unknown where nobody answers in time, CHECK_SECONDS if
    nothing else is said."""
    look = _Look(name_servers)
    # The records of an MX are one look-up.
    groups = [tuple(group) for _, group in groupby(records, lambda one: (one.purpose, one.name))]
    looks = [asyncio.ensure_future(look.at(group)) for group in groups]
    try:
        await asyncio.wait(looks, timeout=CHECK_SECONDS if seconds is None else seconds)
        return tuple(
            finding
            for group, found in zip(groups, looks, strict=True)
            for finding in (found.result() if found.done() else _unknown(group, TOO_LATE))
        )
    finally:
        await look.give_up(looks)


class _Look:
    """One look around, which asks nothing twice."""

    def __init__(self, name_servers: NameServers) -> None:
        self._name_servers = name_servers
        self._asked: dict[tuple[str, str], asyncio.Future[tuple[str, ...]]] = {}

    async def at(self, group: Sequence[DnsRecord]) -> Findings:
        """The findings of records of one purpose and name."""
        record = group[0]
        try:
            found = await self._published(record.name, record.kind)
            if record.purpose is Purpose.MX:
                return compare_mx(group, found)
            if record.purpose is Purpose.SPF:
                return (compare(record, found, await self._look_ups(found)),)
            if record.purpose is Purpose.DMARC:
                has_one = not dmarc.records_among(found) and await self._is_covered(record.name)
                return (compare_dmarc(record, found, parent_has_one=has_one),)
            return (compare(record, found),)
        except TemporaryFailure as failure:
            return _unknown(group, failure.public)

    async def give_up(self, looks: Sequence[asyncio.Future[Findings]]) -> None:
        """End what still runs."""
        every: list[asyncio.Future[Any]] = [*looks, *self._asked.values()]
        running = [one for one in every if not one.done()]
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _published(self, name: str, kind: str) -> tuple[str, ...]:
        if (name, kind) not in self._asked:
            question = self._name_servers.published(name, kind)
            self._asked[name, kind] = asyncio.ensure_future(question)
        return await asyncio.shield(self._asked[name, kind])

    async def _is_covered(self, name: str) -> bool:
        """Whether a parent has a DMARC record for the domain behind this name of its own."""
        for parent in dmarc.walk(name.removeprefix("_dmarc."))[1:]:
            if len(dmarc.records_among(await self._published(parent, "TXT"))) == 1:
                return True
        return False

    async def _look_ups(self, found: Sequence[str]) -> int:
        """How many the one SPF policy takes, those in includes and redirects counted."""
        policies = spf.policies(found)
        if len(policies) != 1:
            return 0
        others: dict[str, spf.Costs] = {}
        names = set(spf.costs(policies[0]).follows)
        while names and len(others) < MOST_POLICIES:
            asked = sorted(names)[: MOST_POLICIES - len(others)]
            others |= zip(asked, await asyncio.gather(*map(self._costs, asked)), strict=True)
            names = {name for one in others.values() for name in one.follows} - others.keys()
        return spf.look_ups(policies[0], others)

    async def _costs(self, name: str) -> spf.Costs:
        """What the policy of another name takes: nothing where there is none to be found."""
        with suppress(TemporaryFailure):
            policies = spf.policies(await self._published(name, "TXT"))
            if len(policies) == 1:
                return spf.costs(policies[0])
        return spf.Costs(0, ())


def _unknown(group: Sequence[DnsRecord], text: str) -> Findings:
    return tuple(unknown(record, text) for record in group)
