"""A record as wanted beside what was found: which part differs, and what we say of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.web.dns_difference import difference
from chalicelib.web.dns_words import PURPOSES, Said, shown
from chalicelib.web.zone_file import zone_file

KEY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAv6mQZpX1tO0hUeD8yRkW3sYb9c" * 6
DKIM = f"v=DKIM1; t=s; h=sha256; p={KEY};"


def drawn(purpose: str, wanted: str, found: str) -> tuple[str, str]:
    """Both sides, with what differs in brackets."""
    both = difference(purpose, wanted, found)
    return tuple(
        "".join(f"[{piece.text}]" if piece.differs else piece.text for piece in side)
        for side in both
    )  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("purpose", "wanted", "found", "left", "right"),
    [
        (
            "spf",
            "v=spf1 include:a.example include:ours.example ~all",
            "v=spf1 include:a.example ~all",
            "v=spf1 include:a.example [include:ours.example] ~all",
            "v=spf1 include:a.example ~all",
        ),
        (
            "spf",
            "v=spf1 a mx -all",
            "v=spf1 a a ~all",
            "v=spf1 a [mx] [-all]",
            "v=spf1 a [a] [~all]",
        ),
        (
            "dmarc",
            "v=DMARC1; p=none; rua=mailto:x@a.example",
            "v=DMARC1; p=reject",
            "v=DMARC1; p=[none]; [rua=mailto:x@a.example]",
            "v=DMARC1; p=[reject]",
        ),
        ("dkim-rsa", "k=rsa; p=ABCDEF", "k=rsa; p=ABC", "k=rsa; p=ABC[DEF]", "k=rsa; p=ABC"),
        (
            "dkim-rsa",
            "k=rsa; p=ABCDEF",
            "k=rsa; p=ABXDEF",
            "k=rsa; p=AB[C]DEF",
            "k=rsa; p=AB[X]DEF",
        ),
        (
            "return-path",
            "rp.ours.example",
            "rp.old.example",
            "rp.o[urs].example",
            "rp.o[ld].example",
        ),
        ("spf", "a  b", "a b", "a  b", "a b"),
        ("spf", "a b", "b a", "[a b]", "[b a]"),
        ("spf", "", "x", "", "[x]"),
    ],
)
def test_what_differs_is_marked(
    purpose: str, wanted: str, found: str, left: str, right: str
) -> None:
    assert drawn(purpose, wanted, found) == (left, right)


def test_nothing_of_either_text_is_lost() -> None:
    hostile = "; ;;=\u202e p= " * 500 + "x"
    for purpose in PURPOSES:
        both = difference(purpose, DKIM, hostile)
        assert "".join(one.text for one in both.wanted) == DKIM
        assert "".join(one.text for one in both.found) == hostile


def a_record(purpose: str, status: str | None, found: Sequence[str] = (), **changes: Any) -> Any:
    return {
        "purpose": purpose,
        "type": "TXT",
        "name": "acme.example",
        "value": DKIM if purpose.startswith("dkim") else "v=spf1 include:ours.example ~all",
        "required": True,
        "status": status,
        "found": list(found),
        "text": "The API's words.",
        "suggestion": None,
        **changes,
    }


def said(record: Any, **domain: Any) -> Said:
    of = {"name": "acme.example", "records": [record], "dkim_ok": True, "return_path_ok": True}
    return shown(record, {**of, **domain}).said


MISTAKES = [
    (a_record("spf", None), "Not looked up yet", "idle"),
    (a_record("spf", "Unknown"), "No answer", "late"),
    (a_record("spf", "OK", ["v=spf1 include:ours.example ~all"]), "Correct", "good"),
    (a_record("spf", "OK", ["v=spf1 include:ours.example +all"]), "Lets everybody send", "late"),
    (a_record("spf", "Missing"), "Not found", "bad"),
    (a_record("spf", "Invalid", ["v=spf1", "v=spf1 -all"]), "2 records", "bad"),
    (
        a_record("spf", "Invalid", ["v=spf1"], text="takes 12 DNS look-ups."),
        "Too many look-ups",
        "bad",
    ),
    (a_record("spf", "Invalid", ["v=spf1"], suggestion="v=spf1 x"), "One part is missing", "bad"),
    (a_record("dkim-rsa", "Invalid", [DKIM[:255]]), "The end is missing", "bad"),
    (a_record("dkim-rsa", "Invalid", [f'"{DKIM}"']), "Quotation marks in it", "bad"),
    (a_record("dkim-rsa", "Invalid", [DKIM.replace(";", "\\;")]), "Backslashes in it", "bad"),
    (a_record("dkim-rsa", "Invalid", ["v=DKIM1; p=other"]), "Not as wanted", "bad"),
    (a_record("dkim-rsa", "Invalid", [DKIM, DKIM]), "2 records", "bad"),
    (a_record("return-path", "Invalid", ["192.0.2.1"], type="CNAME"), "Hidden by a proxy", "bad"),
    (a_record("return-path", "Missing", required=False), "Not set", "idle"),
    (
        a_record("mx", "Missing", ["10 mx.other.example"], required=False),
        "Points elsewhere",
        "idle",
    ),
    (a_record("mx", "Missing", ["10 mx.other.example"]), "Points elsewhere", "bad"),
    (a_record("dmarc", "OK", ["v=DMARC1; p=none"], required=False), "p=none", "good"),
    (a_record("bimi", "Invalid", ["v=BIMI1", "v=BIMI1;"], required=False), "2 records", "late"),
    (a_record("brand-new", "Invalid", ["x"], required=False), "Not as wanted", "late"),
]


@pytest.mark.parametrize(("record", "word", "tone"), MISTAKES)
def test_each_mistake_has_its_words(record: Any, word: str, tone: str) -> None:
    told = said(record)
    assert told[:2] == (word, tone)
    assert bool(told.sentence) == (
        tone in ("bad", "late") or word in ("Not set", "Points elsewhere")
    )
    assert not told.word.endswith(".")


def test_a_policy_that_hits_its_own_mail_is_told() -> None:
    record = a_record("dmarc", "OK", ["v=DMARC1; p=reject"], required=False)
    assert said(record).tone == "good"
    told = said(record, dkim_ok=False, return_path_ok=False)
    assert told[:2] == ("p=reject hits your own mail", "bad")


def test_an_old_key_at_the_name_of_the_new_one_is_known() -> None:
    old = a_record("dkim-rsa", "OK", ["v=DKIM1; p=OLD;"], value="v=DKIM1; p=OLD;", name="old")
    new = a_record("dkim-rsa", "Invalid", ["v=DKIM1; p=OLD;"])
    assert said(new, records=[old, new]).word == "Another key"


def test_names_are_given_as_panels_want_them() -> None:
    of = {"name": "acme.example", "records": [], "dkim_ok": True, "return_path_ok": True}
    assert shown(a_record("spf", None), of).relative == "@"
    assert shown(a_record("dmarc", None, name="_dmarc.acme.example"), of).relative == "_dmarc"


def test_a_long_text_is_pasted_as_strings_that_fit() -> None:
    of = {"name": "acme.example", "records": [], "dkim_ok": True, "return_path_ok": True}
    pasted = shown(a_record("dkim-rsa", None), of).pasted
    parts = pasted.strip('"').split('" "')
    assert "".join(parts) == DKIM
    assert max(map(len, parts)) == 255


def test_a_zone_file_has_every_record() -> None:
    records = [
        a_record("dkim-rsa", None, name="k._domainkey.acme.example"),
        a_record("spf", "Invalid", suggestion='v=spf1 "odd" \\ ~all'),
        a_record("mx", None, type="MX", value="10 mx.ours.example"),
        a_record(
            "return-path", None, type="CNAME", name="rp.acme.example", value="rp.ours.example"
        ),
    ]
    lines = zone_file("acme.example", records).splitlines()
    assert lines[3] == 'acme.example. IN TXT "v=spf1 \\"odd\\" \\\\ ~all"'
    assert lines[4:] == [
        "acme.example. IN MX 10 mx.ours.example.",
        "rp.acme.example. IN CNAME rp.ours.example.",
    ]
    assert lines[2].startswith('k._domainkey.acme.example. IN TXT "v=DKIM1; t=s;')
