"""Reading a search as people type it (api.md 2.19), with errors that say which term is wrong and what may be meant."""

from __future__ import annotations

from chalicelib.domain.search.query import Query


def parse_query(text: str, now: float) -> Query:
    """A query; `now` is what `age` and `7d` are counted from (epoch seconds, days begin at midnight UTC).
    `QuerySyntax` (domain/errors.py: code `query_syntax`) names the term and the key that may be meant."""
    raise NotImplementedError
