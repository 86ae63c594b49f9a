"""Attributes that update expressions name as they are: none is a reserved word of DynamoDB."""

from __future__ import annotations

from chalicelib.adapters.aws.dynamo.messages import MUTABLE

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html, those of two letters.
RESERVED = frozenset("AS AT BY DO GO IF IN IS NO OF ON OR TO".split())


def test_none_is_reserved() -> None:
    assert RESERVED.isdisjoint(name.upper() for name in MUTABLE)
