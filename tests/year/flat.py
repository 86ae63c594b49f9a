"""What may grow though mail is the same each day, and what grows though it must not.

By the second half of a year whatever is kept for a time has come to its size. What is kept for good, or for longer, is
named here with the reason, and in docs/retention.md.
"""

from __future__ import annotations

from collections.abc import Mapping

SETTLED_MONTHS = 6
# The second half's first months and its last are compared by their largest: some is different from month to month.
LOOKED_AT = 3
MORE, A_FEW = 1.1, 20
# A database writes its log over from the beginning when it has come to its size, which is not the same each month.
LOG, MOST_OF_A_LOG = "-wal", 32_768
KEPT_LONGER = {
    "audit entry": "400 days, and the newest 10,000",
    "credential": "keys that have ended stay until somebody removes them",
    "rows mail.db counters": "days for good",
    "rows mail.db group_counts": "days for good",
    "rows mail.db unsubscribes": "365 days",
    "rows mail.db suppressions": "complaints and who unsubscribed, for good",
    "rows control.db nouns": "as its kinds",
    "rows control.db look_ups": "as its kinds",
    "kB mail.db": "as its tables",
    "kB control.db": "as its tables",
    "items S | U": "365 days",
}


def what_grows(sizes: Mapping[str, Mapping[str, int]]) -> list[str]:
    """A sentence for everything that grows and is not named."""
    months = list(sizes)
    if len(months) < SETTLED_MONTHS + 2 * LOOKED_AT:
        return []
    first = [sizes[one] for one in months[SETTLED_MONTHS : SETTLED_MONTHS + LOOKED_AT]]
    last = [sizes[one] for one in months[-LOOKED_AT:]]
    found = []
    for name in sorted({name for month in last for name in month}):
        before = max(one.get(name, 0) for one in first)
        after = max(one.get(name, 0) for one in last)
        may_be = MOST_OF_A_LOG if name.endswith(LOG) else before * MORE + A_FEW
        if after > may_be and not _is_kept_longer(name):
            found.append(f"{name} grows: {before} after half a year, {after} at its end")
    return found


def _is_kept_longer(name: str) -> bool:
    """Whether it is named, with or without the store before its kind: `audit entry` is `nouns audit entry`, too."""
    return any(name == one or name.endswith(f" {one}") for one in KEPT_LONGER)
