"""The name that an organization registered, by the list of public suffixes in the package `publicsuffixlist`.

Countries, and hosts that give names away, have thousands of places below which anybody gets a name. Reading the list
takes some 40 ms and 2 MB, once, when the first name is asked for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

# Hosts that give names to anybody and are not on the list.
_ALSO_SHARED = frozenset(
    "amazonaws.com gb.com hu.com no.com onmicrosoft.com qc.com se.com wordpress.com".split()
)


def registered_name(domain: str) -> str:
    """The last labels that somebody has registered; the domain itself when it is shorter, or is no name."""
    name = domain.lower().rstrip(".")
    found = _suffixes().privatesuffix(name) or name
    if found in _ALSO_SHARED:
        return ".".join(name.split(".")[-3:])
    return found


@lru_cache(1)
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import (
        PublicSuffixList,
    )  # here: answers to clicks have a budget, and never ask

    return PublicSuffixList()
