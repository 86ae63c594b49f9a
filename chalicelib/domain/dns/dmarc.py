"""Where a DMARC record of a domain is looked for, and what counts as one (RFC 9989 sections 4.7 and 4.10)."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST_WALK = 8  # names asked, however many labels there are
_RECORD = re.compile(r"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")


def records_among(texts: Iterable[str]) -> tuple[str, ...]:
    """Those of the texts that are DMARC records."""
    return tuple(text for text in texts if _RECORD.match(text))


def walk(domain: str) -> tuple[str, ...]:
    """The names to ask, the domain's own first, then those of its parents up to the top."""
    labels = domain.split(".")
    parents = labels[1:] if len(labels) < LONGEST_WALK else labels[1 - LONGEST_WALK :]
    names = [labels, *(parents[start:] for start in range(len(parents)))]
    return tuple(f"_dmarc.{'.'.join(each)}" for each in names)
