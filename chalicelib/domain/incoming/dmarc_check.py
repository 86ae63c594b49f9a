"""DMARC (RFC 9989): which policy a message comes under, and whether SPF or DKIM vouch for its author's domain.

A generator that asks DNS. Organizational domains and policies are found by the tree walk of section 4.10: at most eight
names a domain. Nothing is reported to anybody here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    """What the walk up from a domain found, the domain's own record first."""

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
    try:
        tree = yield from _walked(domain)
        record = tree.policy_record()
        if record is None or not _has_policy(record.tags):
            return Dmarc("none", domain)
        policy = yield from _policy(record, domain)
        aligned = yield from _aligned(tree, record.tags, spf, signatures)
    except NoTelling:
        return Dmarc("temperror", domain)
    if aligned:
        return Dmarc("pass", domain, policy, aligned)
    unsure = "temperror" in (spf.result, *(one.result for one in signatures))
    return Dmarc("temperror" if unsure else "fail", domain, policy)


def _walked(domain: str) -> Asking[_Tree]:
    records: list[_Found] = []
    for name in walk(domain):
        texts = records_among((yield Ask(Kind.TXT, name)))
        if len(texts) != 1:  # several are none
            continue
        found = _Found(name.removeprefix("_dmarc."), _tags(texts[0]))
        records.append(found)
        if found.tags.get("psd") in ("n", "y") and (found.domain != domain or _is_end(found)):
            break
    return _Tree(domain, tuple(records))


def _is_end(found: _Found) -> bool:
    return found.tags.get("psd") == "n"


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
    tree: _Tree, tags: Mapping[str, str], spf: Spf, signatures: tuple[DkimSignature, ...]
) -> Asking[tuple[str, ...]]:
    """Which of spf and dkim vouch for the author's domain (section 4.4)."""
    found = []
    vouching = spf.domain if spf.result == "pass" else None
    if vouching and (yield from _is_aligned(tree, vouching, tags.get("aspf") == "s")):
        found.append("spf")
    for domain in _passing(signatures):
        if (yield from _is_aligned(tree, domain, tags.get("adkim") == "s")):
            found.append("dkim")
            break
    return tuple(found)


def _passing(signatures: tuple[DkimSignature, ...]) -> Iterator[str]:
    yield from dict.fromkeys(one.domain for one in signatures if one.result == "pass")


def _is_aligned(tree: _Tree, domain: str, strict: bool) -> Asking[bool]:
    if domain == tree.domain:
        return True
    organization = tree.organization
    if strict or not f".{domain}".endswith(f".{organization}"):
        return False
    if domain == organization:
        return True
    other = yield from _walked(domain)
    return other.organization == organization
