"""When what a query is for was received: what lets an index go to a place by time."""

from __future__ import annotations

from chalicelib.domain.search.query import Between, Clause, Key, Query

_OF_TIME = frozenset({Key.RECEIVED, Key.AGE})
_ALWAYS = Between()


def received_within(query: Query) -> Between:
    """The moments outside of which no message is one that the query is for."""
    spans = [_span(clause) for clause in query.clauses if not clause.is_negated]
    lows = [one.low for one in spans if one.low is not None]
    highs = [one.high for one in spans if one.high is not None]
    return Between(max(lows, default=None), min(highs, default=None))


def _span(clause: Clause) -> Between:
    """The whole of what its conditions allow; without a bound where one of them has none."""
    conditions = clause.conditions
    found = [_ALWAYS if one.key not in _OF_TIME else one.value for one in conditions]
    known = [one for one in found if isinstance(one, Between)]
    lows = [one.low for one in known]
    highs = [one.high for one in known]
    low = None if None in lows else min((one for one in lows if one is not None), default=None)
    high = None if None in highs else max((one for one in highs if one is not None), default=None)
    return Between(low, high)
