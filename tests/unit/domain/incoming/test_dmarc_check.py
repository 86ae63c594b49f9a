"""DMARC by RFC 9989: the tree walk, the policy that applies, who is aligned."""

from __future__ import annotations

import pytest

from chalicelib.domain.incoming.dmarc_check import author_domain, check_dmarc
from chalicelib.domain.inspection import DkimSignature, Dmarc, Spf
from chalicelib.domain.mail.headers import read_headers
from tests.asked import Answers, answered

REJECT = "v=DMARC1; p=reject"


def records(**texts: str | None) -> Answers:
    return {
        ("TXT", f"_dmarc.{name.replace('_', '.')}"): None if text is None else (text,)
        for name, text in texts.items()
    }


def checked(
    domain: str, answers: Answers, spf: str = "", dkim: str = "", exists: bool = True
) -> Dmarc:
    more: Answers = {("EXISTS", domain): (domain,) if exists else ()}
    found = Spf("pass", spf, "192.0.2.1") if spf else Spf("fail", domain, "192.0.2.1")
    signatures = (DkimSignature("pass", dkim, "s"),) if dkim else ()
    return answered(check_dmarc(domain, found, signatures), {**more, **answers})


def test_a_record_of_the_domain_itself() -> None:
    published = records(a_example=REJECT)
    assert checked("a.example", published) == Dmarc("fail", "a.example", "reject")
    assert checked("a.example", published, spf="a.example").aligned == ("spf",)
    assert checked("a.example", published, dkim="a.example").aligned == ("dkim",)
    both = checked("a.example", published, spf="b.a.example", dkim="a.example")
    assert both == Dmarc("pass", "a.example", "reject", ("spf", "dkim"))
    assert checked("a.example", published, spf="b.example").result == "fail"
    assert checked("a.example", published, spf="nota.example").result == "fail"


def test_without_a_record_there_is_no_policy() -> None:
    assert checked("a.example", {}, spf="a.example") == Dmarc("none", "a.example")
    two: Answers = {("TXT", "_dmarc.a.example"): (REJECT, REJECT)}
    assert checked("a.example", two) == Dmarc("none", "a.example")
    assert checked("a.example", records(a_example="v=DMARC1; p=much")).result == "none"
    reports = "v=DMARC1; p=much; rua=mailto:r@a.example"
    assert checked("a.example", records(a_example=reports)) == Dmarc("fail", "a.example", "none")


def test_a_record_that_names_no_policy_asks_for_none() -> None:
    silent = records(a_example="v=DMARC1; adkim=s")
    assert checked("a.example", silent) == Dmarc("fail", "a.example", "none")
    assert checked("a.example", silent, spf="a.example").result == "pass"
    assert checked("x.a.example", silent).policy == "none"


@pytest.mark.parametrize("wrong", ["p=much", "p=reject; sp=much", "p=reject; np=much"])
def test_a_policy_that_cannot_be_read_is_none_where_reports_are_wanted(wrong: str) -> None:
    for domain in ("a.example", "x.a.example"):
        assert checked(domain, records(a_example=f"v=DMARC1; {wrong}")).result == "none"
        wanted = records(a_example=f"v=DMARC1; {wrong}; rua=mailto:r@a.example")
        assert (checked(domain, wanted).result, checked(domain, wanted).policy) == ("fail", "none")


def test_strict_alignment_is_of_the_very_domain() -> None:
    published = records(a_example=f"{REJECT}; aspf=s; adkim=s")
    assert checked("a.example", published, spf="b.a.example", dkim="b.a.example").result == "fail"
    assert checked("a.example", published, dkim="a.example").result == "pass"


def test_names_below_take_the_policy_of_their_organization() -> None:
    published = records(a_example="v=DMARC1; p=reject; sp=quarantine; np=none")
    assert checked("x.y.a.example", published).policy == "quarantine"
    assert checked("x.y.a.example", published, exists=False).policy == "none"
    assert checked("x.a.example", records(a_example=REJECT)).policy == "reject"
    assert checked("x.a.example", published, spf="y.a.example").aligned == ("spf",)


def test_testing_makes_the_policy_milder() -> None:
    for said, applied in (("reject", "quarantine"), ("quarantine", "none"), ("none", "none")):
        published = records(a_example=f"v=DMARC1; p={said}; t=y")
        assert checked("a.example", published).policy == applied


def test_public_suffixes_say_so_themselves() -> None:
    """RFC 9989 section 4.10.2: the organizational domain is one label below `psd=y`."""
    published = records(example="v=DMARC1; p=none; psd=y; sp=quarantine; np=reject")
    assert checked("x.a.example", published).policy == "quarantine"
    assert checked("x.a.example", published, spf="y.a.example").aligned == ("spf",)
    assert checked("x.a.example", published, spf="b.example").aligned == ()
    assert checked("x.a.example", published, exists=False).policy == "reject"


def test_an_organization_may_end_the_walk() -> None:
    published = records(x_a_example=f"{REJECT}; psd=n", a_example="v=DMARC1; p=none")
    assert checked("x.a.example", published, spf="y.x.a.example").result == "pass"
    assert checked("x.a.example", published, spf="a.example").result == "fail"
    below = {**published, **records(y_x_a_example=f"{REJECT}; psd=n")}
    assert checked("x.a.example", below, spf="y.x.a.example").result == "fail"


def test_at_most_eight_names_are_asked() -> None:
    deep = ".".join("abcdefghijklmnop") + ".example"
    assert checked(deep, records(o_p_example=REJECT), spf="o.p.example").result == "pass"
    assert checked(deep, records(b_c_d_e_f_g_h_i_j_k_l_m_n_o_p_example=REJECT)).result == "none"


def test_dns_that_does_not_tell_is_temporary() -> None:
    assert checked("a.example", records(a_example=None)) == Dmarc("temperror", "a.example")
    unsure = Spf("temperror", "a.example", "192.0.2.1")
    found = answered(check_dmarc("a.example", unsure, ()), records(a_example=REJECT))
    assert found == Dmarc("temperror", "a.example", "reject")


@pytest.mark.parametrize(
    ("domain", "result"),
    [
        ("a.example", "temperror"),
        ("b.a.example", "temperror"),
        ("", "temperror"),
        ("tarpit.example", "fail"),
        ("a.tarpit.invalid", "fail"),
    ],
)
def test_only_who_could_vouch_leaves_a_doubt(domain: str, result: str) -> None:
    signature = DkimSignature("temperror", domain, "s")
    failed = Spf("fail", "a.example", "192.0.2.1")
    found = answered(check_dmarc("a.example", failed, (signature,)), records(a_example=REJECT))
    assert (found.result, found.policy) == (result, "reject")


@pytest.mark.parametrize("vouching", ["mail.example.com", "example.com", "x.mail.example.com"])
def test_names_above_that_decide_nothing_are_not_asked(vouching: str) -> None:
    published = records(mail_example_com=REJECT, example_com=REJECT, com=None)
    found = checked("mail.example.com", published, spf=vouching)
    assert found == Dmarc("pass", "mail.example.com", "reject", ("spf",))
    other = checked("mail.example.com", published, spf="mail.example.org")
    assert other == Dmarc("fail", "mail.example.com", "reject")


def test_a_domain_that_is_the_authors_own_needs_no_other_record() -> None:
    published = records(a_example=REJECT, example=None, b_example=None)
    assert checked("a.example", published, spf="a.example").result == "pass"
    assert checked("a.example", published, dkim="a.example").result == "pass"
    vouched = checked("a.example", published, spf="b.example", dkim="a.example")
    assert vouched == Dmarc("pass", "a.example", "reject", ("dkim",))
    assert checked("a.example", published, spf="b.example").result == "temperror"
    assert checked("x.a.example", published) == Dmarc("temperror", "x.a.example")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (b"From: a@a.example\r\n", "a.example"),
        (b"From: Joe <a@A.Example>\r\n", "a.example"),
        (b'From: "x@other.example" <a@a.example>\r\n', "a.example"),
        (b"From: a@a.example, b@a.example\r\n", "a.example"),
        ("From: a@straße.example\r\n".encode(), "xn--strae-oqa.example"),
        (b"From: a@a.example, b@b.example\r\n", None),
        (b"From: a@a.example\r\nFrom: a@a.example\r\n", None),
        (b"From: nobody:;\r\n", None),
        (b"From:\r\n", None),
        (b"Subject: x\r\n", None),
        (b"From: a@a.example\r\n" + b"X: y\r\n" * 10_001, None),
    ],
)
def test_there_is_one_author_domain_or_none(fields: bytes, expected: str | None) -> None:
    assert author_domain(read_headers(fields + b"\r\nHi\r\n")) == expected
