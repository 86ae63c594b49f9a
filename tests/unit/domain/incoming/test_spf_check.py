"""SPF by the rules of RFC 7208, over answers from a dictionary."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from chalicelib.domain.incoming.spf_check import check_spf
from chalicelib.domain.incoming.spf_record import SpfError, read_record
from chalicelib.domain.inspection import Spf
from tests.asked import Answers, answered

HERE = "192.0.2.3"


def result(record: str, client: str = HERE, more: Answers | None = None, **who: str) -> str:
    answers: dict[tuple[str, str], tuple[str, ...] | None] = {("TXT", "e.example"): (record,)}
    return of(answers | dict(more or {}), client, **who)


def of(
    answers: Answers, client: str = HERE, sender: str = "a@e.example", helo: str = "h.example"
) -> str:
    return answered(check_spf(client, sender, helo), answers).result


def texts(**records: str) -> Mapping[tuple[str, str], tuple[str, ...]]:
    return {("TXT", f"{name}.example"): (text,) for name, text in records.items()}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v=spf1 -all", "fail"),
        ("v=spf1 ~all", "softfail"),
        ("v=spf1 ?all", "neutral"),
        ("v=spf1 +all", "pass"),
        ("V=SPF1 ALL", "pass"),
        ("v=spf1", "neutral"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "pass"),
        ("v=spf1 ip4:192.0.2.4 -all", "fail"),
        ("v=spf1 ip4:192.0.2.0/30 -all", "pass"),
        ("v=spf1 ip4:0.0.0.0/0 -all", "pass"),
        ("v=spf1 ip6:::/0 -all", "fail"),
        ("v=spf1 -ip4:192.0.2.3 +all", "fail"),
        ("v=spf1 a -all", "pass"),
        ("v=spf1 a/30 -all", "pass"),
        ("v=spf1 a:b.example//64 -all", "fail"),
        ("v=spf1 mx -all", "pass"),
        ("v=spf1 mx:none.example -all", "fail"),
        ("v=spf1 ptr:client.example -all", "pass"),
        ("v=spf1 ptr -all", "fail"),
        ("v=spf1 exists:%{ir}.%{v}._spf.%{d2} -all", "pass"),
        ("v=spf1 exists:%{l}.%{o}.none.example -all", "fail"),
        ("v=spf1 unknown=x%{d}y exp=x.%{d} -all", "fail"),
        ("v=spf1 all -all", "pass"),
    ],
)
def test_mechanisms(record: str, expected: str) -> None:
    more: Answers = {
        ("ADDRESSES", "e.example"): ("2001:db8::1", HERE),
        ("ADDRESSES", "b.example"): ("192.0.2.200",),
        ("MX", "e.example"): ("one.example", "two.example"),
        ("ADDRESSES", "two.example"): (HERE,),
        ("PTR", HERE): ("Mail.client.example",),
        ("ADDRESSES", "Mail.client.example"): (HERE,),
        ("ADDRESSES", "3.2.0.192.in-addr._spf.e.example"): ("127.0.0.2",),
    }
    assert result(record, more=more) == expected


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 ip4",
        "v=spf1 ip4:192.0.2.0/33",
        "v=spf1 ip4:192.0.2.0/01",
        "v=spf1 ip4:2001:db8::1",
        "v=spf1 ip6:192.0.2.1",
        "v=spf1 all:x.example",
        "v=spf1 -all/8",
        "v=spf1 include",
        "v=spf1 include:",
        "v=spf1 exists:x",
        "v=spf1 a:x.123",
        "v=spf1 a:%{z}.example",
        "v=spf1 a:%{d0}.example",
        "v=spf1 a:x%.example",
        "v=spf1 a/33",
        "v=spf1 a//129",
        "v=spf1 redirect=a.example redirect=a.example",
        "v=spf1 redirect=",
        "v=spf1 moo",
        "v=spf1 moo:x.example",
        "v=spf1 a;b",
        "v=spf1 a:é.example",
        "v=spf1 -all ip4:nonsense",
    ],
)
def test_a_fault_anywhere_in_a_record_is_permanent(record: str) -> None:
    with pytest.raises(SpfError):
        read_record(record)
    assert result(record) == "permerror"


def test_records_lead_to_others() -> None:
    more = texts(
        ok="v=spf1 ip4:192.0.2.0/24 -all", no="v=spf1 -all", broken="v=spf1 moo", plain="hello"
    )
    assert result("v=spf1 include:no.example include:ok.example -all", more=more) == "pass"
    assert result("v=spf1 -include:ok.example +all", more=more) == "fail"
    assert result("v=spf1 include:broken.example +all", more=more) == "permerror"
    assert result("v=spf1 include:plain.example +all", more=more) == "permerror"
    assert result("v=spf1 redirect=no.example", more=more) == "fail"
    assert result("v=spf1 redirect=ok.example -all", more=more) == "fail"
    assert result("v=spf1 redirect=plain.example", more=more) == "permerror"
    assert result("v=spf1 include:e.example +all") == "permerror", "a loop ends at ten"


def test_work_is_bounded() -> None:
    ten = " ".join(["a:b.example"] * 10)
    found: Answers = {("ADDRESSES", "b.example"): ("192.0.2.200",)}
    assert result(f"v=spf1 {ten} +all", more=found) == "pass"
    assert result(f"v=spf1 {ten} a:b.example +all", more=found) == "permerror"
    assert result("v=spf1 a:n1.example a:n2.example +all") == "pass"
    assert result("v=spf1 a:n1.example a:n2.example a:n3.example +all") == "permerror"
    listed = " ".join(f"exists:n{number}.example" for number in range(5))
    answers: Answers = {("ADDRESSES", f"n{number}.example"): ("127.0.0.2",) for number in range(5)}
    assert result(f"v=spf1 {listed.replace('exists', '-exists')}", more=answers) == "fail"
    six = listed.replace("n0", "none")
    assert result(f"v=spf1 {six}", "2001:db8::7", more=answers) == "pass", "A records count"
    hosts: Answers = {("MX", "e.example"): tuple(f"m{number}.example" for number in range(11))}
    assert result("v=spf1 mx +all", more=hosts) == "permerror"
    assert result("v=spf1 " + "ip4:192.0.2.1 " * 2_000 + "+all") == "permerror"


def test_ten_reverse_names_count() -> None:
    names = ("liar.example", "silent.example", *(f"n{number}.example" for number in range(8)))
    client: Answers = {
        ("PTR", HERE): (*names, "eleventh.example"),
        ("ADDRESSES", "liar.example"): ("192.0.2.200",),
        ("ADDRESSES", "silent.example"): None,
        ("ADDRESSES", "n2.example"): ("192.0.2.200", HERE),
        ("ADDRESSES", "n7.example"): (HERE,),
        ("ADDRESSES", "eleventh.example"): (HERE,),
    }
    for name, expected in (
        ("n2.example", "pass"),
        ("n7.example", "pass"),
        ("liar.example", "fail"),
        ("silent.example", "fail"),
        ("eleventh.example", "fail"),
    ):
        assert result(f"v=spf1 ptr:{name} -all", more=client) == expected, name


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("x.example", "mx.e.example", "e.example"), "e.example"),
        (("x.example", "mx.e.example"), "mx.e.example"),
        (("x.example", "y.example"), "x.example"),
        (("note.example",), "note.example"),
        (("liar.example",), "unknown"),
        ((), "unknown"),
    ],
)
def test_the_reverse_name_closest_to_the_domain_is_expanded(
    names: tuple[str, ...], expected: str
) -> None:
    client: dict[tuple[str, str], tuple[str, ...]] = {("PTR", HERE): names}
    client |= {("ADDRESSES", name): (HERE,) for name in names if name != "liar.example"}
    client["ADDRESSES", f"{expected}.p.example"] = ("127.0.0.2",)
    assert result("v=spf1 exists:%{p}.p.example -all", more=client) == "pass"


def test_there_may_be_no_record_or_several() -> None:
    assert of({}) == "none"
    assert of({("TXT", "e.example"): ("v=spf10 -all", "spf2.0/pra -all")}) == "none"
    assert of({("TXT", "e.example"): ("v=spf1 -all", "v=spf1 -all")}) == "permerror"
    assert of({("TXT", "e.example"): None}) == "temperror"
    assert result("v=spf1 a -all", more={("ADDRESSES", "e.example"): None}) == "temperror"
    assert result("v=spf1 ip4:192.0.2.3 a -all", more={("ADDRESSES", "e.example"): None}) == "pass"


def test_a_null_sender_is_looked_at_by_the_name_in_helo() -> None:
    answers: Answers = {("TXT", "h.example"): ("v=spf1 exists:%{l}.%{h} -all",)}
    answers = {**answers, ("ADDRESSES", "postmaster.h.example"): ("127.0.0.2",)}
    assert answered(check_spf(HERE, "", "h.example"), answers) == Spf("pass", "h.example", HERE)
    for helo in ("localhost", "[192.0.2.3]", "", "a..b", "x" * 300):
        assert answered(check_spf(HERE, "", helo), {}).result == "none"


def test_clients_of_both_families() -> None:
    assert result("v=spf1 ip4:192.0.2.0/24 -all", "::ffff:192.0.2.3") == "pass"
    assert result("v=spf1 ip6:2001:db8::/32 -all", "2001:db8::7") == "pass"
    assert result("v=spf1 exists:%{ir}.%{v}.e.example -all", "2001:db8::7", {
        ("ADDRESSES", ".".join("7" + "0" * 23 + "8bd01002") + ".ip6.e.example"): ("127.0.0.2",)
    }) == "pass"  # fmt: skip
    assert result("v=spf1 -all", "") == "none"
    assert result("v=spf1 -all", "nonsense") == "none"


def test_the_examples_of_the_rfc_are_expanded() -> None:
    """RFC 7208 section 7.4."""
    for macro, expected in (
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
    ):
        asked: Answers = {
            ("TXT", "email.example.com"): (f"v=spf1 exists:{macro}.x.%{{d}} -all",),
            ("ADDRESSES", f"{expected}.x.email.example.com"): ("127.0.0.2",),
        }
        assert of(asked, sender="strong-bad@email.example.com") == "pass", macro
