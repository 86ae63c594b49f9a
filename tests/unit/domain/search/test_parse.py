"""What a search means, and what is said of one that cannot be read."""

from __future__ import annotations

import time
from typing import Any

import pytest

from chalicelib.domain.errors import QuerySyntax
from chalicelib.domain.search.parse import parse_query
from chalicelib.domain.search.query import (
    EVERY_MESSAGE,
    Between,
    Clause,
    Condition,
    Key,
    Pattern,
    Phrase,
    Query,
)

NOW = 1_774_224_000.5  # 2026-03-23 00:00:00.5 UTC
TODAY = 1_774_224_000.0
NOON = 1_774_180_800.0  # the day before


def is_(*parts: str) -> Pattern:
    return Pattern(parts)


def condition(query: str) -> Condition:
    """The one condition of a query."""
    (clause,) = parse_query(query, NOW).clauses
    (found,) = clause.conditions
    assert not clause.is_negated
    return found


@pytest.mark.parametrize("query", ["", "  \t\n", "*", " * * "])
def test_an_empty_one_is_for_everything(query: str) -> None:
    assert parse_query(query, NOW) == EVERY_MESSAGE


@pytest.mark.parametrize(
    ("query", "words", "is_prefix"),
    [
        ("welcome", ("welcome",), False),
        ("WELcome", ("welcome",), False),
        ("welc*", ("welc",), True),
        ("o'brien", ("o", "brien"), False),
        ("o'br*", ("o", "br"), True),
        ("foo-*", ("foo",), False),
        ("漢字*", ("漢", "字"), True),
        ('"Reset your password"', ("reset", "your", "password"), False),
        ('"Reset your pass*"', ("reset", "your", "pass"), True),
        (r'"say \"hi\" \ now"', ("say", "hi", "now"), False),
        ("12:30", ("12", "30"), False),
        ("a/b:c", ("a", "b", "c"), False),
        ("--x", ("x",), False),
        ('"tag:x"', ("tag", "x"), False),
        ("[blank]", ("blank",), False),
    ],
)
def test_bare_words_are_of_the_subject(query: str, words: Any, is_prefix: bool) -> None:
    clause = parse_query(query, NOW).clauses[0]
    assert clause.conditions == (Condition(Key.WORD, Phrase(words, is_prefix)),)


@pytest.mark.parametrize(
    ("query", "key", "value"),
    [
        ("to:Bob@Example.com", Key.TO, is_("bob@example.com")),
        ("TO: bob@example.com", Key.TO, is_("bob@example.com")),
        ("to:bob@Bücher.example", Key.TO, is_("bob@xn--bcher-kva.example")),
        ("to:bob@☃☃☃..", Key.TO, is_("bob@☃☃☃..")),
        ("to:bob", Key.TO, is_("bob")),
        ("from:*@example.com", Key.FROM, is_("", "@example.com")),
        ("from:[blank]", Key.FROM, is_("")),
        ('from:""', Key.FROM, is_("")),
        ("bob@example.com", Key.ADDRESS, is_("bob@example.com")),
        ("*@example.com", Key.ADDRESS, is_("", "@example.com")),
        ('"a b"@example.com', None, None),
        ("subject:hello", Key.SUBJECT, Phrase(("hello",))),
        ('subject:"hello wor*"', Key.SUBJECT, Phrase(("hello", "wor"), is_prefix=True)),
        ("subject:[blank]", Key.SUBJECT, is_("")),
        ('subject:"[blank]"', Key.SUBJECT, Phrase(("blank",))),
        ("subject:*", Key.SUBJECT, is_("", "")),
        ("status:SoftFail", Key.STATUS, is_("softfail")),
        ("status: queued", Key.STATUS, is_("queued")),
        ("msgid:<A@b>", Key.MSGID, is_("a@b")),
        ("msgid:a*@b", Key.MSGID, is_("a", "@b")),
        ("id:12345", Key.ID, is_("12345")),
        ("id:007", Key.ID, is_("7")),
        ("tag:welcome", Key.TAG, is_("welcome")),
        ("tag:[Blank]", Key.TAG, is_("")),
        ('tag:"[blank]"', Key.TAG, is_("[blank]")),
        ('tag:"two words"', Key.TAG, is_("two words")),
        ("tag:a**b*", Key.TAG, is_("a", "b", "")),
        ("tag:**", Key.TAG, is_("", "")),
        ('tag:welc"come', Key.TAG, is_('welc"come')),
        ("stream:b*", Key.STREAM, is_("b", "")),
        ("credential:crabc", Key.CREDENTIAL, is_("crabc")),
        ("route:support", Key.ROUTE, is_("support")),
        ("endpoint:crm", Key.ENDPOINT, is_("crm")),
        ("domain:Bücher.example", Key.DOMAIN, is_("xn--bcher-kva.example")),
        ("domain:*.example", Key.DOMAIN, is_("", ".example")),
        ("cause:mailbox_*", Key.CAUSE, is_("mailbox_", "")),
        ("wait:retry", Key.WAIT, is_("retry")),
        ("provider:google", Key.PROVIDER, is_("google")),
        ("pool:default", Key.POOL, is_("default")),
        ("tries:>3", Key.TRIES, Between(low=4)),
        ("tries:>=3", Key.TRIES, Between(low=3)),
        ("tries:<3", Key.TRIES, Between(high=3)),
        ("tries:<=3", Key.TRIES, Between(high=4)),
        ("tries:0", Key.TRIES, Between(0, 1)),
        ("age:>2h", Key.AGE, Between(high=NOW - 7_200)),
        ("age:<1.5m", Key.AGE, Between(low=NOW - 90)),
        ("spam:yes", Key.SPAM, is_("yes")),
        ("spam:Y", Key.SPAM, is_("yes")),
        ("bounce:no", Key.BOUNCE, is_("no")),
        ("opened:n", Key.OPENED, is_("no")),
        ("clicked:yes", Key.CLICKED, is_("yes")),
        ("size:>1mb", Key.SIZE, Between(low=1_000_001)),
        ("size:<20KB", Key.SIZE, Between(high=20_000)),
        ("size:1.5k", Key.SIZE, Between(1_500, 1_501)),
        ("size:822", Key.SIZE, Between(822, 823)),
        ("before:2026-03-22", Key.RECEIVED, Between(high=NOON - 43_200)),
        ("before: 2026-03-22 12:00", Key.RECEIVED, Between(high=NOON)),
        ("before:2026-03-22 12:00:30", Key.RECEIVED, Between(high=NOON + 30)),
        ('after:"2026-03-22 12:00"', Key.RECEIVED, Between(low=NOON)),
        ("after:2026-03-22T12:00:00Z", Key.RECEIVED, Between(low=NOON)),
        ("after:2026-03-22t14:00:00.500+02:00", Key.RECEIVED, Between(low=NOON + 0.5)),
        ("after:0001-01-01T00:00:00+14:00", Key.RECEIVED, Between(low=-62_135_647_200.0)),
        ("after:36h", Key.RECEIVED, Between(low=NOW - 129_600)),
        ("after:7d", Key.RECEIVED, Between(low=NOW - 604_800)),
        ("after:today", Key.RECEIVED, Between(low=TODAY)),
        ("before:Yesterday", Key.RECEIVED, Between(high=TODAY - 86_400)),
        ('after:"2  days ago"', Key.RECEIVED, Between(low=NOW - 172_800)),
        ('after:"1 Week ago"', Key.RECEIVED, Between(low=NOW - 604_800)),
    ],
)
def test_a_key_says_what_is_compared(query: str, key: Any, value: Any) -> None:
    if key is None:
        with pytest.raises(QuerySyntax):
            parse_query(query, NOW)
        return
    assert condition(query) == Condition(key, value)


def test_a_token_is_kept_as_it_was_typed_too() -> None:
    assert condition("token:AbC") == Condition(Key.TOKEN, is_("abc"), "AbC")


def test_names_of_metadata_have_no_case() -> None:
    assert condition("Meta.Order-ID:17*") == Condition(Key.META, is_("17", ""), "order-id")


def test_the_same_key_again_is_or_and_all_else_is_and() -> None:
    found = parse_query("tag:a meta.x:1 tag:b meta.y:1 before:today after:7d TAG:c", NOW)
    assert [len(clause.conditions) for clause in found.clauses] == [3, 1, 1, 1, 1]
    assert [one.value for one in found.clauses[0].conditions] == [is_("a"), is_("b"), is_("c")]


def test_bare_words_all_hold() -> None:
    assert len(parse_query("one two one@x.example two@x.example", NOW).clauses) == 4


def test_each_not_stands_by_itself() -> None:
    found = parse_query("tag:a -tag:b -tag:c -word", NOW)
    tag, word = Condition(Key.TAG, is_("a")), Condition(Key.WORD, Phrase(("word",)))
    assert found.clauses == (
        Clause((tag,)),
        Clause((Condition(Key.TAG, is_("b")),), is_negated=True),
        Clause((Condition(Key.TAG, is_("c")),), is_negated=True),
        Clause((word,), is_negated=True),
    )


def test_not_anything_is_nothing() -> None:
    (clause,) = parse_query("-*", NOW).clauses
    assert clause == Clause((Condition(Key.WORD, is_("", "")),), is_negated=True)


def test_an_order_narrows_nothing() -> None:
    assert parse_query("order:oldest-first", NOW) == Query(is_oldest_first=True)
    assert parse_query("order: Newest-First", NOW) == EVERY_MESSAGE


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("tga:welcome", "tga:welcome: there is no key tga; tag may be meant"),
        ("recipient:a@b.c", "to may be meant"),
        ("Message-ID:x", "msgid may be meant"),
        ("metadata.order:7", "meta.NAME may be meant"),
        ("meta.:7", "meta.:7: there is no key meta.; meta.NAME may be meant"),
        ("größe:5", "größe:5: there is no key größe"),
        ("Re: hello", "what stands in quotes is taken as words"),
        ("xyzzyplugh:1", "there is no key xyzzyplugh; what stands in quotes"),
        ("status:sendt", "status:sendt: this is not a status (pending, sent,"),
        ("status:sendt", "; sent may be meant"),
        ("status:*", "this is not a status"),
        ("spam:maybe", "spam:maybe: this is not an answer (yes, no)"),
        ("order:random", "this is not an order (oldest-first, newest-first)"),
        ("-order:oldest-first", "an order cannot be negated"),
        ("tag:", "tag:: it has no value"),
        ("tag:  ", "it has no value"),
        ("tag: status:held", "tag:: it has no value"),
        ("tag: -status:held", "tag:: it has no value"),
        ("-", "-: it has no value"),
        ("- x", "it has no value"),
        ('tag:"open', 'tag:"open: the quote is never closed'),
        ('"open\\"', "the quote is never closed"),
        ('x -tag:"a"b c', '-tag:"a"b: a blank must follow the closing quote'),
        ("!!!", "it has no letter and no digit"),
        ('""', "it has no letter and no digit"),
        ("🎉", "it has no letter and no digit"),
        ("subject:***", "among words * stands at the end alone"),
        ("*come", "among words * stands at the end alone"),
        ("we*come", "among words * stands at the end alone"),
        ("@example.com", "*@example.com may be meant"),
        ("to:@example.com", "*@example.com may be meant"),
        ("tag:*a*b*c*d*", "a value has at most 4 *"),
        ("token:ab*", "a token is looked for whole, without *"),
        ("id:12*", "an id is a number"),
        ("id:99999999999", "an id is a number"),
        ("id:٣", "an id is a number"),
        ("size:big", "a size is >1mb, <20kb or a number of bytes"),
        ("size:1tb", "a size is"),
        ("tries:>3kb", "a number is >3, <3 or 3"),
        ("age:2h", "an age is >2h, >30m or <7d"),
        ("age:>2y", "an age is >2h"),
        ("age:old", "an age is >2h"),
        ("before:2026-02-30", "before:2026-02-30: there is no such day or time"),
        ("before:2026-03-22T25:00Z", "there is no such day or time"),
        ("before:tomorrow", "a moment is 2026-03-22,"),
        ("before:3y", "a moment is 2026-03-22,"),
        ("a " * 21, "a: a search has at most 20 terms"),
        ("a" * 1_001, "q: a search has at most 1,000 characters"),
        ("tga:" + "x" * 900, "tga:" + "x" * 96 + "…: there is no key"),
    ],
)
def test_what_is_wrong_is_said_of_the_term(query: str, told: str) -> None:
    with pytest.raises(QuerySyntax) as raised:
        parse_query(query, NOW)
    assert told in raised.value.public
    (error,) = raised.value.errors
    assert (error.pointer, error.code, error.detail) == ("/q", "query_syntax", raised.value.public)


@pytest.mark.parametrize(
    "query",
    [
        '"' * 1_000,
        '"' + "\\" * 999,
        '\\"' * 500,
        "a:" * 500,
        "-" * 1_000,
        "." * 1_000,
        "a" + "." * 999,
        "tag:" + "*" * 996,
        " " * 1_000,
        "\u0301\u0323" * 500,
        "ﷺ" * 1_000,
        "漢" * 1_000,
        "to:" + "@" * 997,
        "before:" + "9" * 993,
        "size:" + "9" * 995,
        "\x00\ud800 " * 300,
        "domain:" + "é." * 400,
        "2026-03-22 " * 90,
    ],
)
def test_a_hostile_one_is_read_or_refused_soon(query: str) -> None:
    before = time.process_time()
    for _ in range(10):
        try:
            parse_query(query, NOW)
        except QuerySyntax as error:
            assert len(error.public) < 1_500
    assert time.process_time() - before < 5
