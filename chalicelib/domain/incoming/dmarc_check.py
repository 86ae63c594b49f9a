"""DMARC (RFC 9989): which policy a message comes under, and whether SPF or DKIM vouch for its author's domain.

A generator that asks DNS, no more than the decision needs: a domain with a record of its own needs no other for its
policy, a domain that is the author's own none to be aligned, and for another no name is asked above the first record
that both are under. Organizational domains and policies are found by the tree walk of section 4.10: at most eight names
a domain. Nothing is reported to anybody here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.domain.dns.dmarc import records_among, walk
from chalicelib.domain.domain_name import ascii_name
from chalicelib.domain.incoming.asking import Ask, Asking, Kind, NoTelling
from chalicelib.domain.inspection import DkimSignature, Dmarc, Spf
from chalicelib.domain.mail.address import LONGEST_FIELD, addresses_in
from chalicelib.domain.mail.headers import Headers
from chalicelib.domain.mail.mailbox import domain_of

POLICIES = ("none", "quarantine", "reject")
_LENIENT = {"reject": "quarantine", "quarantine": "none", "none": "none"}


class _Found(NamedTuple):
    """A record, and the domain that it is of."""

    domain: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Tree:
    """What the walk up from a domain found, the domain's own record first; that one alone where there is one."""

    domain: str
    records: tuple[_Found, ...]

    @property
    def organization(self) -> str:
        """The organizational domain (section 4.10.2)."""
        for one in self.records:
            if one.tags.get("psd") == "n":
                return one.domain
            if one.tags.get("psd") == "y" and one.domain != self.domain:
                return _label_below(self.domain, one.domain)
        return self.records[-1].domain if self.records else self.domain

    def policy_record(self) -> _Found | None:
        """That of the domain, else of its organization, else of the public suffix (section 4.10.1)."""
        wanted = (self.domain, self.organization)
        for name in wanted:
            for one in self.records:
                if one.domain == name:
                    return one
        return next((one for one in self.records if one.tags.get("psd") == "y"), None)


class _Records:
    """The records of domains, each asked for once."""

    def __init__(self) -> None:
        self._known: dict[str, _Found | None] = {}

    def at(self, name: str) -> Asking[_Found | None]:
        """The record at a name; None without one, and for several, which are none."""
        if name not in self._known:
            texts = records_among((yield Ask(Kind.TXT, name)))
            is_one = len(texts) == 1
            domain = name.removeprefix("_dmarc.")
            self._known[name] = _Found(domain, _tags(texts[0])) if is_one else None
        return self._known[name]


@dataclass(slots=True)
class _Alignment:
    """Who is compared with the author's domain, by whose record; whether DNS left something open."""

    records: _Records
    domain: str
    tags: Mapping[str, str]
    is_unsure: bool = False


def author_domain(headers: Headers) -> str | None:
    """The domain of the one author; None for more than one From field, authors of several domains, or none at all
    (section 4.4)."""
    texts = headers.plain_texts("from")
    if len(texts) != 1 or headers.truncated or len(texts[0]) > LONGEST_FIELD:
        return None
    domains = {ascii_name(domain_of(one).rstrip(".")) for one in addresses_in(texts[0])}
    return domains.pop() if len(domains) == 1 else None


def check_dmarc(domain: str, spf: Spf, dkim: Iterable[DkimSignature]) -> Asking[Dmarc]:
    """The result for the domain of the author."""
    signatures = tuple(dkim)
    records = _Records()
    try:
        record = (yield from _tree(records, domain)).policy_record()
        if record is None or not _has_policy(record.tags):
            return Dmarc("none", domain)
        policy = yield from _policy(record, domain)
    except NoTelling:
        return Dmarc("temperror", domain)
    check = _Alignment(records, domain, record.tags)
    aligned = yield from _aligned(check, spf, signatures)
    if aligned:
        return Dmarc("pass", domain, policy, aligned)
    unsure = check.is_unsure or (yield from _is_in_doubt(check, spf, signatures))
    return Dmarc("temperror" if unsure else "fail", domain, policy)


def _tree(records: _Records, domain: str) -> Asking[_Tree]:
    """What the policy of a domain is found by."""
    found: list[_Found] = []
    for name in walk(domain):
        one = yield from records.at(name)
        if one is None:
            continue
        found.append(one)
        if one.domain == domain or one.tags.get("psd") in ("n", "y"):
            break
    return _Tree(domain, tuple(found))


def _label_below(domain: str, above: str) -> str:
    """The name one label below another, on the way down to the domain."""
    return f"{domain.removesuffix(f'.{above}').rpartition('.')[2]}.{above}"


def _tags(text: str) -> dict[str, str]:
    """The tags of a record, the first of each name, values in lower case (section 4.7)."""
    found: dict[str, str] = {}
    for one in text.split(";"):
        name, equals, value = one.partition("=")
        if equals:
            found.setdefault(name.strip(" \t").lower(), value.strip(" \t").lower())
    return found


def _has_policy(tags: Mapping[str, str]) -> bool:
    """One with a policy that cannot be read counts only where reports are wanted, and then as `none` (section 4.10.1);
    one that has no `p` is as if it were `none` (section 4.7)."""
    return not _is_unreadable(tags) or "mailto:" in tags.get("rua", "")


def _is_unreadable(tags: Mapping[str, str]) -> bool:
    return any(name in tags and tags[name] not in POLICIES for name in ("p", "sp", "np"))


def _policy(record: _Found, domain: str) -> Asking[str]:
    """The policy that applies to the domain (section 4.7), one step milder while its owner tests (`t=y`)."""
    tags = record.tags
    if _is_unreadable(tags):
        return "none"
    policy = tags.get("p", "none")
    if record.domain != domain:
        policy = tags.get("sp", policy)
        if "np" in tags and not (yield Ask(Kind.EXISTS, domain)):
            policy = tags["np"]
    return _LENIENT[policy] if tags.get("t") == "y" else policy


def _aligned(
    check: _Alignment, spf: Spf, signatures: tuple[DkimSignature, ...]
) -> Asking[tuple[str, ...]]:
    """Which of spf and dkim vouch for the author's domain (section 4.4)."""
    found = []
    vouching = (spf.domain,) if spf.result == "pass" and spf.domain else ()
    if (yield from _is_any_aligned(check, vouching, "aspf")):
        found.append("spf")
    passing = tuple(dict.fromkeys(one.domain for one in signatures if one.result == "pass"))
    if (yield from _is_any_aligned(check, passing, "adkim")):
        found.append("dkim")
    return tuple(found)


def _is_in_doubt(
    check: _Alignment, spf: Spf, signatures: tuple[DkimSignature, ...]
) -> Asking[bool]:
    """Whether one that DNS did not tell of would vouch if it passed; one of which not even the domain is known may."""
    late = (spf.domain or "",) if spf.result == "temperror" else ()
    unread = tuple(one.domain for one in signatures if one.result == "temperror")
    if "" in late or "" in unread:
        return True
    doubted = yield from _is_any_aligned(check, late, "aspf")
    doubted = doubted or (yield from _is_any_aligned(check, unread, "adkim"))
    return doubted or check.is_unsure


def _is_any_aligned(check: _Alignment, domains: tuple[str, ...], mode: str) -> Asking[bool]:
    """What DNS does not tell of one makes the check unsure, and is no fault of the others."""
    if check.domain in domains:
        return True
    if check.tags.get(mode) == "s":
        return False
    for domain in domains:
        try:
            if (yield from _have_one_organization(check.records, check.domain, domain)):
                return True
        except NoTelling:
            check.is_unsure = True
    return False


def _have_one_organization(records: _Records, one: str, other: str) -> Asking[bool]:
    """Whether the walks up from two domains lead to the same organizational domain (section 4.10.2).

    They do if neither ends before they meet, and a record stands where they have met, unless that is of a public suffix
    which is right above one of them: what stands further up is the same for both.
    """
    ways = {one: walk(one), other: walk(other)}
    shared = [name for name in ways[one] if name in ways[other]]
    if not shared:
        return False
    for domain, names in ways.items():
        for name in names:
            found = None if name in shared else (yield from records.at(name))
            if found and _ends_walk(found, domain):
                return False
    for name in shared:
        found = yield from records.at(name)
        if found:
            meets = _closest_above(one, other)
            return found.tags.get("psd") != "y" or found.domain != meets
    return False


def _ends_walk(found: _Found, domain: str) -> bool:
    psd = found.tags.get("psd")
    return psd == "n" or (psd == "y" and found.domain != domain)


def _closest_above(one: str, other: str) -> str:
    """The longest name that two domains end in."""
    common = []
    for left, right in zip(reversed(one.split(".")), reversed(other.split(".")), strict=False):
        if left != right:
            break
        common.append(left)
    return ".".join(reversed(common))
