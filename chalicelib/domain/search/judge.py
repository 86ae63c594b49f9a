"""Whether a message is one that a query is for. Linear in the lengths of both, without any regular expression."""

from __future__ import annotations

from chalicelib.domain.search.findable import Findable
from chalicelib.domain.search.query import Query


def holds(query: Query, found: Findable) -> bool:
    """Whether all clauses hold."""
    raise NotImplementedError
