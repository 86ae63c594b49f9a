"""SPF policies as far as a sender's include needs it: their terms, the look-ups that they take, and what to add.

RFC 7208. Nothing is evaluated for a client; a policy that receivers would find erroneous is read as far as it goes. One
pass over a text, whatever is in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_LOOK_UPS = 10  # section 4.6.4
_TERM = re.compile(r"[^ ]+")
_MECHANISM = re.compile(r"([+?~-]?)([a-z0-9_.-]+)([:=/]?)(.*)", re.IGNORECASE | re.DOTALL)
_COSTLY = frozenset({"include", "a", "mx", "ptr", "exists", "redirect="})
_FOLLOWED = frozenset({"include", "redirect="})


@dataclass(frozen=True, slots=True)
class Term:
    """One term: its qualifier, its name in lower case (a modifier's with its `=`), the domain that it names, and where
    in the text it begins."""

    qualifier: str
    name: str
    domain: str
    at: int

    @property
    def is_end(self) -> bool:
        """Whether nothing that follows counts."""
        return self.name == "all"


@dataclass(frozen=True, slots=True)
class Costs:
    """What a policy takes by itself, and the names of the policies that it takes besides, one for each time."""

    look_ups: int
    follows: tuple[str, ...]


def policies(texts: Sequence[str]) -> tuple[str, ...]:
    """Those of the texts that are SPF policies (section 4.5)."""
    return tuple(text for text in texts if text[:7].lower() in {"v=spf1", "v=spf1 "})


def terms(policy: str) -> list[Term]:
    """The terms of a policy, without its version."""
    return [_term(match) for match in _TERM.finditer(policy, 6)]


def includes(policy: str, name: str) -> bool:
    """Whether mail that the policy of `name` passes is passed here: it is included before anything ends it."""
    for term in terms(policy):
        if term.is_end:
            return False
        if term.name == "include" and term.qualifier in {"", "+"} and term.domain == name.lower():
            return True
    return False


def with_include(policy: str, name: str) -> str:
    """The policy with `name` included, before `all` or a redirect, else at its end; nothing else is added."""
    added = f"include:{name}"
    for term in terms(policy):
        if term.is_end or term.name == "redirect=":
            return f"{policy[: term.at]}{added} {policy[term.at :]}"
    return f"{policy.rstrip(' ')} {added}"


def costs(policy: str) -> Costs:
    """The look-ups of its terms (section 4.6.4). Terms behind `all` take none; a redirect is not followed beside
    `all` (section 6.1). What has macros is counted and not followed."""
    found = terms(policy)
    ends = any(term.is_end for term in found)
    look_ups, follows = 0, []
    for term in found:
        if term.is_end:
            break
        if term.name not in _COSTLY or (ends and term.name == "redirect="):
            continue
        look_ups += 1
        if term.name in _FOLLOWED and term.domain and "%" not in term.domain:
            follows.append(term.domain)
    return Costs(look_ups, tuple(follows))


def look_ups(policy: str, others: Mapping[str, Costs]) -> int:
    """How many a policy takes in all, with those of the policies of other names, as far as they are known. One
    that leads to itself takes more than there may be: receivers give up there."""
    known: dict[str, int] = {}

    def total(own: Costs) -> int:
        return own.look_ups + sum(map(of_name, own.follows))

    def of_name(name: str) -> int:
        if name not in known:
            known[name] = MOST_LOOK_UPS + 1  # until it is counted
            known[name] = total(others[name]) if name in others else 0
        return known[name]

    return total(costs(policy))


def _term(match: re.Match[str]) -> Term:
    parts = _MECHANISM.fullmatch(match[0])
    if parts is None:
        return Term("", match[0].lower(), "", match.start())
    qualifier, name, mark, rest = parts.groups()
    domain = rest.partition("/")[0].lower().rstrip(".") if mark in {":", "="} else ""
    called = f"{name.lower()}=" if mark == "=" else name.lower()
    return Term(qualifier, called, domain, match.start())
