"""Whether entries of an audit log are as they were written, and none between them is missing.

Pure. Entries are those of the API, newest first; what is before the oldest of them is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.domain.tenancy.audit import hash_of

Entry = Mapping[str, Any]


class Verdict(NamedTuple):
    """How many entries were looked at, and of the first that is wrong its id and what is wrong with it."""

    looked_at: int
    broken: str = ""
    said: str = ""


def verdict(entries: Sequence[Entry], *, is_whole: bool, after: Entry | None = None) -> Verdict:
    """Looks at each; at what is between them as well if they are `is_whole`, as entries of one server alone are not.
    `after` is the next newer one, which was looked at before."""
    for entry in entries:
        if hash_of(entry) != entry["hash"]:
            return Verdict(len(entries), entry["id"], "is not as it was written")
        if is_whole and after is not None:
            if int(after["id"]) != int(entry["id"]) + 1:
                return Verdict(len(entries), f"{int(entry['id']) + 1:010d}", "is missing")
            if after["previous"] != entry["hash"]:
                return Verdict(len(entries), after["id"], "does not follow from the one before it")
        after = entry
    return Verdict(len(entries))
