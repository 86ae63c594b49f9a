"""What operators are told of lists: how the check of each ends, and what a notice says that is new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from chalicelib.domain.dns.block_lists import Standing
from chalicelib.domain.outgoing.listed_sources import Told
from chalicelib.domain.tenancy.check_findings import CheckFinding, CheckStatus, Found, judged
from chalicelib.domain.tenancy.listings import Listing, listings_of
from chalicelib.domain.tenancy.sources import EgressSource

OF_LISTS = "list:"
"""What the names of these checks begin with; the name of the list follows."""
MOST_TOLD = 10
_HOLDS = "What it said before holds."
_UNBELIEVED = "and is not believed (RFC 5782 section 5)"
_TROUBLE = {
    Standing.SILENT: f"It does not answer. {_HOLDS}",
    Standing.REFUSING: "It refuses to answer the resolver of this installation, as many lists do with resolvers that"
    f" everybody uses: ask by a resolver of your own, or with a key of the list. {_HOLDS}",
    Standing.LISTING_ALL: f"It lists what no list has, {_UNBELIEVED}: it has ended, or a resolver makes answers up.",
    Standing.LISTING_NONE: f"It lacks what each list has, {_UNBELIEVED}: it has ended, or its name is wrong.",
}
_LISTED = CheckStatus.FAILING
_ADVICE = "Find out what mail is meant, end that, and only then ask the list to take it off (docs/own-reputation.md)."
Whose = Mapping[str, str]
"""Whose an address is."""


def sentence(thing: str, words: str, whose: str = "") -> str:
    """That something is listed, in the words of the list."""
    return f"{thing}{f' ({whose})' if whose else ''} is listed{f': “{words}”' if words else ''}."


def finding_of(
    told: Told, listings: Sequence[Listing], whose: Whose, before: CheckFinding | None
) -> Found | None:
    """How the check of a list ends, where sources have these listings. None when it stays as it was: it found
    something, and nothing firm says that this is over."""
    name = f"{OF_LISTS}{told.list.name}"
    listed = {one.address: one.text for one in listings if one.list == told.list.name}
    listed |= told.listed
    faults = [sentence(one, words, whose.get(one, "")) for one, words in sorted(listed.items())]
    may_change = told.is_whole or told.standing.is_broken
    if not faults and not may_change and before is not None and before.status is _LISTED:
        return None
    shown = faults[:MOST_TOLD]
    if more := len(faults) - len(shown):
        shown.append(f"And {more} more.")
    shown += [_ADVICE] if faults else []
    shown += [_TROUBLE[told.standing]] if told.standing in _TROUBLE else []
    return judged(name, shown, _LISTED if faults else CheckStatus.WARNING)


def news_of(before: EgressSource, after: EgressSource) -> Iterator[str]:
    """What changed for a source, a line each."""
    earlier = {(one.list, one.address) for one in listings_of(before)}
    now = {(one.list, one.address): one for one in listings_of(after)}
    for key, one in now.items():
        if key not in earlier:
            words = f": “{one.text}”" if one.text else ""
            yield f"{one.address} of the source {after.name} is listed by {one.list}{words}"
    for name, address in sorted(earlier - now.keys()):
        yield f"{address} of the source {after.name} is no longer listed by {name}"
    if after.suspended_for and not before.suspended_for:
        resume = f"posthorn source resume {after.name} --pool {after.pool}"
        yield f"The source {after.name} is suspended until that ends; `{resume}` uses it all the same"
    if before.suspended_for and not after.suspended_for:
        yield f"The source {after.name} is used again"


def news_of_others(told: Told, whose: Whose, before: CheckFinding | None) -> Iterator[str]:
    """What a list has now, and had not when its check ended last, of what is no source's: names of ours."""
    known = "" if before is None else f" {before.detail}"
    for thing, words in sorted(told.listed.items()):
        if thing not in whose and f" {thing} is listed" not in known:
            yield f"{sentence(thing, words)[:-1]} by {told.list.name}"
