"""The hourly look at lists: which of them have an address or a name of ours, what becomes of the sources that send from
it, and who is told.

What is found stands with the source, where delivery reads it anyway, and in the checks; it is written when it changes.
Two that look at once find the same, and what a person changed meanwhile stays for the next hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from chalicelib.config import Settings
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.outgoing.listed_sources import Told, after_look, listings_after
from chalicelib.domain.outgoing.told_of_lists import OF_LISTS, finding_of, news_of, news_of_others
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.check_findings import CHECK_FINDINGS, CheckFinding, Found
from chalicelib.domain.tenancy.listings import listings_of
from chalicelib.domain.tenancy.owners import THE_CHECKS, of_pool
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.services.gather import gather
from chalicelib.services.notify_members import NotifyMembers
from chalicelib.services.reputation.ask_lists import AskLists
from chalicelib.services.reputation.own_addresses import MOST_ADDRESSES, OwnAddresses

SUBJECT = "Lists that have addresses of this installation"
_TEXT = """\
The hourly look at the lists of POSTHORN_OWN_DNSBLS found:

{news}

Receivers that ask these lists turn such mail away. `posthorn installation checks` shows how it stands now.
"""
_LOOKED_UP_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class _Seen:
    """A source, and the addresses that it sends from; None where nobody knows now."""

    source: EgressSource
    addresses: tuple[str, ...] | None


class LookAtLists:
    """Looks, keeps what it finds, and tells of it."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        repository: Repository,
        own: OwnAddresses,
        asking: AskLists,
        members: NotifyMembers,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._repository = repository
        self._own = own
        self._asking = asking
        self._members = members

    async def run(self) -> int:
        """Look once; how many addresses and names are listed. Raises TemporaryFailure when what was found cannot be
        kept."""
        pools = [
            await self._seen(await self._repository.all(SOURCES, of_pool(pool)))
            for pool in await self._repository.owners(SOURCES)
        ]
        sent_from = {
            address: one.source for pool in pools for one in pool for address in one.addresses or ()
        }
        sources = [one.source for pool in pools for one in pool]
        addresses = (
            tuple(sent_from) if sources else await self._own.of_name(self._settings.smtp_hostname)
        )
        asked = list(islice(addresses or (), MOST_ADDRESSES))
        lists = self._settings.own_block_lists
        told = await self._asking.ask(lists, asked, self._own.names(sources))
        news: list[str] = []
        after = [one for pool in pools for one in await self._settle(pool, told, news)]
        await self._find(told, after, _whose(sent_from, after), news)
        if news:
            text = _TEXT.format(news="\n".join(f"* {line}." for line in news))
            await self._members.tell(None, "lists", SUBJECT, text)
        return len({(each.list.name, thing) for each in told for thing in each.listed})

    async def _seen(self, sources: Sequence[EgressSource]) -> list[_Seen]:
        seen: list[_Seen] = []
        for at in range(0, len(sources), _LOOKED_UP_AT_ONCE):
            some = sources[at : at + _LOOKED_UP_AT_ONCE]
            found = await gather(self._own.of(one) for one in some)
            seen += [_Seen(*one) for one in zip(some, found, strict=True)]
        return seen

    async def _settle(
        self, pool: Sequence[_Seen], told: Sequence[Told], news: list[str]
    ) -> list[EgressSource]:
        """The sources of a pool as they are kept after the look."""
        now = self._clock.now()
        looked = [
            (
                one.source,
                listings_of(one.source)
                if one.addresses is None
                else listings_after(one.source, one.addresses, told, now),
            )
            for one in pool
        ]
        kept = []
        for (before, _), after in zip(
            looked, after_look(looked, self._settings.suspending_lists, now), strict=True
        ):
            kept.append(after if after == before else await self._keep(before, after, news))
        return kept

    async def _keep(
        self, before: EgressSource, after: EgressSource, news: list[str]
    ) -> EgressSource:
        """The source as it is stored: as found, unless a person changed it meanwhile."""

        def noted(one: EgressSource) -> EgressSource:
            if _decided(one) != _decided(before):
                return one
            return replace(one, listed=after.listed, suspended_for=after.suspended_for)

        try:
            stored = await self._repository.modify(SOURCES, SOURCES.place(before), noted)
        except NotFound:  # removed meanwhile
            return before
        news += news_of(before, stored)
        return stored

    async def _find(
        self,
        told: Sequence[Told],
        sources: Sequence[EgressSource],
        whose: Mapping[str, str],
        news: list[str],
    ) -> None:
        """Keep how the check of each list ends, and forget those of lists that are asked no longer."""
        every = await self._repository.all(CHECK_FINDINGS, THE_CHECKS)
        known = {one.name: one for one in every if one.name.startswith(OF_LISTS)}
        listings = [one for source in sources for one in listings_of(source)]
        for each in told:
            before = known.pop(f"{OF_LISTS}{each.list.name}", None)
            news += news_of_others(each, whose, before)
            found = finding_of(each, listings, whose, before)
            if found is not None:
                await self._write(before, found)
        for gone in known.values():
            await self._repository.remove(CHECK_FINDINGS, gone)

    async def _write(self, before: CheckFinding | None, found: Found) -> None:
        now = self._clock.now()
        after = CheckFinding(found.name, found.status, found.detail, now, now)
        if before is None:
            with suppress(Conflict):  # another one looks, too
                await self._repository.change(Change(Verb.ADD, CHECK_FINDINGS, after))
        elif (before.status, before.detail) != (found.status, found.detail):
            since = before.since if before.status is found.status else now
            await self._repository.replace(CHECK_FINDINGS, replace(after, since=since))


def _whose(sent_from: Mapping[str, EgressSource], after: Sequence[EgressSource]) -> dict[str, str]:
    """Whose each address is, and whether mail still leaves from it."""
    known = {(one.pool, one.name): one for one in after}
    found = {address: known[one.pool, one.name] for address, one in sent_from.items()}
    return {
        address: f"source {one.name} of {one.pool}, {'suspended' if one.suspended_for else 'in use'}"
        for address, one in found.items()
    }


def _decided(source: EgressSource) -> tuple[object, ...]:
    """What of a source the look decides by."""
    return (
        source.address,
        source.address6,
        source.ehlo,
        source.suspended_until,
        source.listed,
        source.suspended_for,
    )
