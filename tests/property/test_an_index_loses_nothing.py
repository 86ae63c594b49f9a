"""Whatever a search is for has a term of each kind that the search asks an index for, and lies in the span of time that
it names."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain.errors import QuerySyntax
from chalicelib.domain.search.findable import Findable
from chalicelib.domain.search.index_terms import LONGEST_TERM, MOST_TERMS, terms_of, wanted_by
from chalicelib.domain.search.judge import holds
from chalicelib.domain.search.parse import parse_query
from chalicelib.domain.search.query import Query
from chalicelib.domain.search.received import received_within
from chalicelib.domain.waits import WaitCode
from tests.findables import ANY_TIME, findable

# Few of each, so that searches find something.
WORDS = st.sampled_from(
    [
        "a",
        "ab",
        "B",
        "ß",
        "SS",
        "漢",
        "字",
        "é",
        "e\u0301",
        "ﬁ",
        "-",
        "*",
        "x" * 300,
        "\uff0a",
        "\uff20",
    ]
)
TEXTS = st.lists(WORDS, max_size=4).map("".join) | st.text(max_size=6)
SUBJECTS = st.lists(WORDS, max_size=5).map(" ".join) | st.text(max_size=20)
ADDRESSES = st.builds("{}@{}".format, TEXTS, st.sampled_from(["a.b", "B.c", "é.x", "a@b"])) | TEXTS
HOLDS = [
    code.value
    for code in WaitCode
    if code.value not in ("queued", "retry", "scheduled", "in_progress")
]
STANDINGS = st.sampled_from(
    [
        (("sent",), None),
        *((("held",), code) for code in HOLDS),
        (("pending", "queued"), "queued"),
        (("pending", "queued"), "in_progress"),
        (("pending", "scheduled"), "scheduled"),
        (("softfail", "queued"), "retry"),
        (("softfail", "queued"), "in_progress"),
    ]
)


def standing(where: tuple[tuple[str, ...], str | None], **fields: Any) -> Findable:
    return findable(statuses=where[0], wait=where[1], **fields)


TEXT_FIELDS = (
    *("token", "message_id", "pool", "credential", "domain", "route", "endpoint", "tag", "stream"),
    *("cause", "provider"),
)
FINDABLES: st.SearchStrategy[Findable] = st.builds(
    standing,
    STANDINGS,
    subject=SUBJECTS,
    rcpt_to=ADDRESSES,
    mail_from=ADDRESSES,
    tries=st.integers(0, 3),
    received_at=st.sampled_from([ANY_TIME, ANY_TIME - 3_600, ANY_TIME - 90_000]),
    size=st.sampled_from([0, 999, 1_000, 1_001]),
    metadata=st.dictionaries(st.sampled_from(["a", "A", "b"]), TEXTS, max_size=2),
    **dict.fromkeys(TEXT_FIELDS, TEXTS),
    **dict.fromkeys(("is_spam", "is_bounce", "is_opened", "is_clicked"), st.booleans()),
)
TEXT_KEYS = st.sampled_from(
    [
        *(
            "to",
            "from",
            "subject",
            "msgid",
            "token",
            "tag",
            "stream",
            "credential",
            "route",
            "endpoint",
        ),
        *("domain", "cause", "wait", "provider", "pool", "meta.a", "meta.b"),
    ]
)
OTHERS = st.sampled_from(
    [
        *("status:sent", "status:queued", "status:scheduled", "status:held", "status:pending"),
        *(
            "spam:yes",
            "spam:no",
            "opened:y",
            "bounce:n",
            "clicked:yes",
            "id:7",
            "wait:retry",
            "wait:*",
        ),
        *(
            "tries:>1",
            "age:>30m",
            "age:<2h",
            "size:1kb",
            "size:>999",
            "before:30m",
            "after:1d",
            "pool:[blank]",
        ),
        *("wait:in_progress", "wait:s*", "tag:[blank]", "meta.a:[blank]", "subject:[blank]"),
    ]
)


def of_message(found: Findable, key: str) -> str:
    """What a message has under a key, so that searches hold."""
    names = {
        "to": "rcpt_to",
        "from": "mail_from",
        "msgid": "message_id",
        "meta.a": "",
        "meta.b": "",
    }
    return str(getattr(found, names.get(key, key), None) or "")


@st.composite
def queries(draw: Any, found: Findable) -> Query:
    """A search as it would be typed."""
    typed = []
    for _ in range(draw(st.integers(1, 4))):
        key = draw(TEXT_KEYS)
        whole = of_message(found, key)
        start, end = draw(st.integers(0, len(whole))), draw(st.integers(0, len(whole)))
        part = (
            draw(st.sampled_from([whole, whole[:end] + "*", "*" + whole[start:]])) if whole else ""
        )
        value = draw(st.sampled_from([part, draw(TEXTS), draw(ADDRESSES)]))
        quoted = '"' + value.replace('"', "") + '"'
        bare = draw(
            st.sampled_from([f"{key}:{quoted}", f'"{found.subject}"', quoted, draw(OTHERS)])
        )
        term = draw(st.sampled_from(["", "", "", "-"])) + bare
        typed += [term] if is_read(term) else []
    return parse_query(" ".join(typed), ANY_TIME)


def is_read(term: str) -> bool:
    try:
        parse_query(term, ANY_TIME)
    except QuerySyntax:
        return False
    return True


# Many fields are drawn, which takes a while on a busy machine.
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), FINDABLES)
def test_whatever_is_wanted_is_found(data: Any, found: Findable) -> None:
    query = data.draw(queries(found))
    terms = terms_of(found)
    assert len(terms) <= MOST_TERMS
    assert all(len(one) <= LONGEST_TERM for one in terms)
    if holds(query, found):
        assert all(one.is_met_by(terms) for one in wanted_by(query))
        assert received_within(query).has(found.received_at)


@given(FINDABLES)
def test_a_negation_holds_where_the_search_does_not(found: Findable) -> None:
    for term in ("tag:a*", "b", "status:queued", "tries:>1", "size:1kb", "meta.a:[blank]"):
        query, negated = parse_query(term, ANY_TIME), parse_query(f"-{term}", ANY_TIME)
        assert holds(query, found) is not holds(negated, found)
