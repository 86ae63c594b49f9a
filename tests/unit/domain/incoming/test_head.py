"""What stands in front of an incoming message, and what is taken out of it."""

from __future__ import annotations

import pytest

from chalicelib.domain.incoming.head import with_head
from chalicelib.domain.inspection import (
    Authentication,
    DkimSignature,
    Dmarc,
    Inspection,
    Spam,
    Spf,
    Threat,
)
from chalicelib.domain.mail.headers import read_headers

OUR_NAME = "mx.posthorn.example"
RECEIVED = b"Received: from c (c [192.0.2.1]) by mx.posthorn.example with SMTP; now\r\n"
REST = b"From: a@example.com\r\nSubject: hi\r\n\r\nX-Postal-Spam: no\r\n"


def without_forged(fields: bytes) -> bytes:
    """What is left of these fields in a message that was not inspected."""
    shown = with_head(RECEIVED + fields + REST, None, OUR_NAME)
    assert shown.startswith(RECEIVED)
    assert shown.endswith(REST)
    return shown[len(RECEIVED) : len(shown) - len(REST)]


def test_the_fields_stand_in_front_in_their_order() -> None:
    found = Inspection(
        Spam(7.25, 5.0, "spamd"),
        Threat(True, "Eicar-Test-Signature FOUND"),
        Authentication(
            Spf("pass", "example.com", "192.0.2.1"),
            (DkimSignature("pass", "example.com", "s1"), DkimSignature("fail", "b.example", "x")),
            Dmarc("pass", "example.com", "reject", ("spf", "dkim")),
            "pass",
        ),
    )
    assert with_head(RECEIVED + REST, found, OUR_NAME) == (
        b"X-Postal-Spam: yes\r\n"
        b"X-Postal-Spam-Threshold: 5.0\r\n"
        b"X-Postal-Spam-Score: 7.2\r\n"
        b"X-Postal-Threat: yes\r\n"
        b"Authentication-Results: mx.posthorn.example;\r\n"
        b"\tspf=pass\r\n\tsmtp.mailfrom=example.com;\r\n"
        b"\tdkim=pass\r\n\theader.d=example.com\r\n\theader.s=s1;\r\n"
        b"\tdkim=fail\r\n\theader.d=b.example\r\n\theader.s=x;\r\n"
        b"\tdmarc=pass\r\n\theader.from=example.com\r\n\tpolicy.dmarc=reject;\r\n"
        b"\tarc=pass\r\n" + RECEIVED + REST
    )


def test_what_is_to_be_said_of_a_chain_stands_behind_its_state() -> None:
    for reason, text in (
        ("signed with rsa-sha1", b"signed with rsa-sha1"),
        ('a"\r\n;b', b"a____b"),
    ):
        found = Authentication(arc="pass", arc_reason=reason)
        shown = with_head(REST, Inspection(authentication=found), OUR_NAME)
        assert b'\r\n\tarc=pass reason="' + text + b'"\r\n' in shown


def test_unfolded_there_is_one_white_space_between_words() -> None:
    spf, dkim = Spf("none", "example.com"), (DkimSignature("fail", "b.example", "x"),)
    found = Authentication(spf, dkim, Dmarc("fail", "b.example", "reject"))
    shown = with_head(REST, Inspection(authentication=found), OUR_NAME)
    (value,) = read_headers(shown).values(b"authentication-results")
    assert value.replace(b"\t", b" ") == (
        b"mx.posthorn.example; spf=none smtp.mailfrom=example.com; dkim=fail header.d=b.example header.s=x; "
        b"dmarc=fail header.from=b.example policy.dmarc=reject; arc=none"
    )


def test_without_a_scanner_the_score_is_a_bare_zero() -> None:
    """As Postal writes it (contract section 5.3)."""
    assert with_head(RECEIVED + REST, Inspection(), OUR_NAME) == (
        b"X-Postal-Spam: no\r\n"
        b"X-Postal-Spam-Threshold: 5.0\r\n"
        b"X-Postal-Spam-Score: 0\r\n"
        b"X-Postal-Threat: no\r\n"
        b"Authentication-Results: mx.posthorn.example;\r\n"
        b"\tspf=none;\r\n\tdkim=none;\r\n\tdmarc=none;\r\n\tarc=none\r\n" + RECEIVED + REST
    )


def test_a_scanners_score_has_one_decimal() -> None:
    for score, text in ((3, b"3.0"), (-0.04, b"0.0"), (-1.25, b"-1.2"), (4.96, b"5.0")):
        shown = with_head(RECEIVED + REST, Inspection(Spam(score, 5, "rspamd")), OUR_NAME)
        assert b"\r\nX-Postal-Spam-Score: " + text + b"\r\n" in shown


def test_what_was_not_inspected_gets_nothing_in_front_and_is_not_copied() -> None:
    stored = RECEIVED + REST
    assert with_head(stored, None, OUR_NAME) is stored


@pytest.mark.parametrize(
    "forged",
    [
        b"X-Postal-Spam: no\r\n",
        b"x-postal-spam-threshold : 99\r\n",
        b"X-POSTAL-SPAM-SCORE:\r\n -50\r\n",
        b"X-Postal-Threat:\tno\r\n",
        b"Authentication-Results: mx.posthorn.example; spf=pass\r\n",
        b"Authentication-Results:\r\n\tMX.Posthorn.example.;\r\n\tspf=pass\r\n",
        b"authentication-results: (c;(d)) mx.posthorn.example (e) 1; none\r\n",
        b'Authentication-Results: "mx.posthorn\\.example"; none\r\n',
        b"Authentication-Results: mx.posthorn.example\r\n",
        b"Authentication-Results:mx.posthorn.example;\r\n",
    ],
)
def test_forged_fields_are_taken_out(forged: bytes) -> None:
    assert without_forged(forged) == b""
    kept = b"A: b\r\n c\r\n"
    assert without_forged(kept + forged + kept + forged) == kept + kept


@pytest.mark.parametrize(
    "kept",
    [
        b"X-Postal-Spam-Level: 3\r\n",
        b"X-Postal-MsgID: abc\r\n",
        b"X: y\r\n X-Postal-Spam: no\r\n",
        b"X: y\nX-Postal-Spam: no\r\n",
        b"Authentication-Results: mx.posthorn.example.net; spf=pass\r\n",
        b"Authentication-Results: a.example; spf=pass (mx.posthorn.example; none)\r\n",
        b"Authentication-Results: (mx.posthorn.example)\r\n",
        b"Authentication-Results:\r\n",
        b"ARC-Authentication-Results: i=1; mx.posthorn.example; spf=pass\r\n",
        b"Received-SPF: pass\r\n",
    ],
)
def test_everything_else_stays(kept: bytes) -> None:
    assert without_forged(kept) == kept


def test_a_name_beyond_ascii_is_ours_in_both_forms() -> None:
    forged = "Authentication-Results: mx.straße.example; spf=pass\r\n".encode()
    assert with_head(forged + REST, None, "mx.xn--strae-oqa.example") == REST


def test_a_forged_field_behind_ten_thousand_others_is_found() -> None:
    many = b"A: b\r\n" * 20_000
    assert without_forged(many + b"X-Postal-Spam: no\r\n") == many


def test_a_name_behind_long_comments_is_read() -> None:
    folded = b"(" + b"c" * 900 + b")\r\n "
    nested = b"(" * 20 + b")" * 20
    for comment in (folded * 70, nested, b"(\\)) ", b")"):
        forged = b"Authentication-Results: " + comment + b"mx.posthorn.example; spf=pass\r\n"
        assert without_forged(forged) == b""


@pytest.mark.parametrize(
    "beginning",
    [b"(" * 5_000, b"(" * 21 + b")" * 21, (b"(" + b"c" * 900 + b")\r\n ") * 73],
    ids=["open", "deep", "long"],
)
def test_a_field_whose_name_cannot_be_read_goes(beginning: bytes) -> None:
    for name in (b"mx.posthorn.example", b"mx.away.example"):
        forged = b"Authentication-Results: " + beginning + name + b"; spf=pass\r\n"
        assert without_forged(forged) == b""


def test_forged_fields_go_however_long_the_header_is() -> None:
    forged = b"X-Postal-Spam: no\r\nAuthentication-Results: mx.posthorn.example; none\r\n"
    long = b"A: " + b"b" * (1 << 20) + b"\r\n c\r\n"
    assert without_forged(forged + long + forged + long) == long + long
    one = b"X-Postal-Spam: " + b"\r\n c" * (1 << 18) + b"\r\n"
    assert without_forged(forged + one + REST) == REST


def test_a_header_without_a_body_loses_its_forged_fields() -> None:
    forged = b"X-Postal-Spam: no\r\nA: b\r\nX-Postal-Threat: no\r\n c\r\n"
    assert with_head(forged, None, OUR_NAME) == b"A: b\r\n"


def test_strangers_texts_end_nowhere_else() -> None:
    found = Authentication(
        Spf("pass", "a.example; dkim=pass\r\nX: y", "192.0.2.1"),
        (DkimSignature("fail", "é.example", 's"('),),
    )
    shown = with_head(REST, Inspection(authentication=found), OUR_NAME)
    assert b"smtp.mailfrom=a.example__dkim_pass__X__y;\r\n" in shown
    assert b"header.d=_.example\r\n\theader.s=s__;" in shown
