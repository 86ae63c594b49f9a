"""Which messages a search is for."""

from __future__ import annotations

import pytest

from chalicelib.domain.search.judge import holds
from chalicelib.domain.search.parse import parse_query
from chalicelib.domain.search.query import Pattern
from tests.findables import ANY_TIME, findable, waiting

SENT = findable(
    subject="Grüße, Bob: your order 17 (漢字検索)",
    rcpt_to="Bob@Example.com",
    tag="Welcome",
    metadata={"Order": "A-17", "empty": ""},
    message_id="<5817a@acme.example>",
    provider="google",
    cause="greylisted",
    is_opened=True,
    route="rtsupport",
    endpoint="epcrm",
)
RETRIED = waiting(pool="bulk", received_at=ANY_TIME - 10_800, tries=4, subject="")
INCOMING = findable(
    mail_from="",
    subject="Spam",
    pool="",
    stream="",
    credential="",
    is_spam=True,
    is_bounce=True,
    statuses=("held",),
    wait="quarantine",
    tries=0,
)
NOW = ANY_TIME

OF_SENT = """
grüße|GRÜSSE|"grüsse, bob"|gr*|"bob your ord*"|"order 17"|漢字|字検|検*|subject:order|subject:*
bob@example.com|app@acme.example|*@EXAMPLE.com|to:bob@*|to:*@example.com|to:b*@*.com|from:app@acme.example
-from:[blank]|status:sent|status:held status:sent|-status:held
before:today after:yesterday|after:2026-03-22|after:"2026-03-22 12:00"|before:"2026-03-22 12:01"
msgid:5817a@acme.example|msgid:<5817A@acme.example>|msgid:5817*|id:7|token:abcdefghijklmnop|tag:welcome
tag:W*E|tag:* -tag:x|stream:transactional|credential:crabcdefghij|credential:cr*|route:rtsupport|endpoint:epcrm
domain:example.com|domain:*.com|meta.order:a-17|meta.ORDER:A-*|meta.empty:[blank]|meta.none:[blank]|meta.none:*
cause:greylisted|provider:google|-wait:*|-pool:*|-tries:<100|-age:>0s|-age:<9999d|spam:no|bounce:no|opened:yes
clicked:no|size:2000|size:2kb|size:>1kb -size:>2kb|size:<=2kb|*|order:oldest-first
"""
NOT_OF_SENT = """
grusse|"17 order"|漢検|subject:welcome|bobby|bob@example.co|*@sample.com|to:app@acme.example|to:bob
from:bob@example.com|from:[blank]|status:held|status:queued|status:pending|after:"2026-03-22 12:01"|msgid:5817a
before:"2026-03-22 12:00"|id:8|token:abcdefghijklmno|tag:[blank]|tag:welcom|-tag:welcome|-grüße|stream:broadcast
domain:acme.example|meta.order:b|meta.order:[blank]|meta.none:x|cause:[blank]|wait:*|pool:default|pool:*|tries:0
age:>0s|age:<9999d|spam:yes|bounce:y|opened:no|clicked:yes|size:1999|-*|grüße tag:x
"""


def each(table: str) -> list[str]:
    return [one for line in table.strip().splitlines() for one in line.split("|")]


@pytest.mark.parametrize("query", each(OF_SENT))
def test_it_is_for_a_sent_one(query: str) -> None:
    now = NOW + 86_400 if "today" in query else NOW
    assert holds(parse_query(query, now), SENT)


@pytest.mark.parametrize("query", each(NOT_OF_SENT))
def test_it_is_not_for_a_sent_one(query: str) -> None:
    assert not holds(parse_query(query, NOW), SENT)


@pytest.mark.parametrize(
    "query",
    each(
        "wait:retry|wait:re*|wait:*|pool:bulk|pool:b*|tries:>3|tries:4|age:>2h|age:<4h|subject:[blank]|status:queued"
    ),
)
def test_it_is_for_one_that_waits(query: str) -> None:
    assert holds(parse_query(query, NOW), RETRIED)


@pytest.mark.parametrize(
    "query", each("wait:queued|pool:default|tries:>4|age:<2h|age:>4h|-subject:[blank]")
)
def test_it_is_not_for_one_that_waits(query: str) -> None:
    assert not holds(parse_query(query, NOW), RETRIED)


@pytest.mark.parametrize(
    "query",
    each("spam:yes|bounce:yes|from:[blank]|pool:[blank]|stream:[blank]|tries:0|wait:quarantine"),
)
def test_it_is_for_one_that_came_in(query: str) -> None:
    assert holds(parse_query(query, NOW), INCOMING)


def test_a_pattern_says_of_what_kind_it_is() -> None:
    kinds = [Pattern(("a",)), Pattern(("a", "")), Pattern(("a", "b")), Pattern(("", "", ""))]
    assert [one.is_exact for one in kinds] == [True, False, False, False]
    assert [one.is_prefix for one in kinds] == [False, True, False, False]
