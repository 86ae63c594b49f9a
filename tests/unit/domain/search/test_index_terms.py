"""The terms of a message, and what a search asks an index for."""

from __future__ import annotations

import pytest

from chalicelib.domain.search.index_terms import (
    LONGEST_TERM,
    MOST_TERMS,
    Wanted,
    terms_of,
    wanted_by,
)
from chalicelib.domain.search.parse import parse_query
from tests.findables import ANY_TIME, findable, waiting


def test_a_message_has_a_term_for_each_value_that_it_has() -> None:
    found = findable(subject="Hi Bob", tag="Welcome", metadata={"Order": "7"}, is_opened=True)
    assert terms_of(found) == {
        "word=hi",
        "word=bob",
        "to=bob@example.com",
        "from=app@acme.example",
        "domain=example.com",
        "sender-domain=acme.example",
        "status=sent",
        "msgid=5817a@acme.example",
        "token=abcdefghijklmnop",
        "tag=welcome",
        "stream=transactional",
        "credential=crabcdefghij",
        "meta.order=7",
        "opened=yes",
    }


def test_what_waits_to_be_sent_or_is_being_sent_has_one_term_for_both() -> None:
    moving = [
        waiting(),
        waiting(wait="in_progress"),
        waiting(wait="queued", statuses=("pending", "queued")),
        waiting(wait="scheduled", statuses=("pending", "scheduled")),
    ]
    assert all({"wait=moving", "pool=default"} <= terms_of(one) for one in moving)
    assert {"wait=suppressed"} <= terms_of(waiting(wait="suppressed", statuses=("held",)))


def test_a_term_is_cut_and_there_are_at_most_a_thousand() -> None:
    terms = terms_of(
        findable(
            subject=" ".join(f"w{n}" for n in range(5_000)),
            tag="x" * 5_000,
            metadata={f"n{n}": "v" * 500 for n in range(20)},
        )
    )
    assert len(terms) <= MOST_TERMS
    assert max(map(len, terms)) == LONGEST_TERM


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("hello", ["word=hello"]),
        ("hel*", ["word=hel…"]),
        ('"a b a c*"', ["word=a", "word=b", "word=c…"]),
        ("one two", ["word=one", "word=two"]),
        ("subject:one subject:three", ["word=one word=three"]),
        ('subject:"a longest" subject:z', ["word=longest word=z"]),
        ("subject:one subject:[blank]", []),
        ("subject:*", []),
        ("bob@x.example", ["from=bob@x.example to=bob@x.example"]),
        ("*@x.example", ["domain=x.example sender-domain=x.example"]),
        ("*bob@x.example", ["domain=x.example sender-domain=x.example"]),
        ("*@*", []),
        ("b*@x.example", ["from=b… to=b…"]),
        ("to:*@x.example", ["domain=x.example"]),
        ("from:*@x.example", ["sender-domain=x.example"]),
        ("from:*@", []),
        ("to:*x", []),
        ("to:bob@x.example", ["to=bob@x.example"]),
        ("status:held", ["status=held"]),
        ("status:queued", ["wait=moving"]),
        ("status:scheduled status:sent", ["status=sent wait=moving"]),
        ("wait:retry", ["wait=moving"]),
        ("wait:suppressed", ["wait=suppressed"]),
        ("wait:s*", ["wait=moving wait=s…"]),
        ("wait:sus*", ["wait=sus…"]),
        ("wait:*d", ["wait=…"]),
        ("wait:*", ["wait=…"]),
        ("wait:[blank]", ["wait=…"]),
        ("pool:default", ["pool=default"]),
        ("pool:*", ["wait=…"]),
        ("tries:>3", ["wait=…"]),
        ("age:>2h", ["wait=…"]),
        ("spam:yes", ["spam=yes"]),
        ("spam:no", []),
        ("msgid:<A@b>", ["msgid=a@b"]),
        ("id:7", []),
        ("token:AbC", ["token=abc"]),
        ("tag:W*e", ["tag=w…"]),
        ("tag:*", []),
        ("tag:[blank]", []),
        ("-tag:x", []),
        ("meta.Order:7", ["meta.order=7"]),
        ("cause:mailbox*", ["cause=mailbox…"]),
        ("before:today", []),
        ("size:>1kb", []),
        ("tag:a size:>1kb -b", ["tag=a"]),
        ("tag:a tag:[blank]", []),
    ],
)
def test_a_search_asks_for_terms_where_they_narrow(query: str, wanted: list[str]) -> None:
    assert list(map(shown, wanted_by(parse_query(query, ANY_TIME)))) == wanted


def shown(wanted: Wanted) -> str:
    return " ".join(sorted([*wanted.terms, *(f"{one}…" for one in wanted.beginnings)]))


def test_what_is_wanted_is_met_by_a_term_or_by_how_one_begins() -> None:
    wanted = Wanted(frozenset({"tag=a"}), frozenset({"to=bob"}))
    assert wanted.is_met_by({"x=y", "tag=a"})
    assert wanted.is_met_by({"to=bobby@x.example"})
    assert not wanted.is_met_by({"tag=ab", "to=bo"})
    assert not Wanted().is_met_by({"tag=a"})


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        (
            "-status:sent",
            "pending softfail hardfail held bounced processed holdcancelled error",
        ),
        ("-status:queued", None),
    ],
)
def test_what_is_not_of_one_status_is_of_any_other(text: str, terms: str | None) -> None:
    wanted = wanted_by(parse_query(text, ANY_TIME))
    expected = () if terms is None else (frozenset(f"status={one}" for one in terms.split()),)
    assert tuple(one.terms for one in wanted) == expected


def test_what_is_not_no_is_yes_and_nothing_else_is_narrowed_by_what_it_is_not() -> None:
    assert wanted_by(parse_query("-opened:no", ANY_TIME)) == (Wanted(frozenset({"opened=yes"})),)
    for text in ("-opened:yes", "-tag:a", "-word", "-to:a@example.com", "-wait:retry", "-size:5"):
        assert wanted_by(parse_query(text, ANY_TIME)) == ()
