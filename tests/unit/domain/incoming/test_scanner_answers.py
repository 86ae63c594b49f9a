"""Scanners' answers, as real ones gave them, and as none should."""

from __future__ import annotations

import json

import pytest

from chalicelib.domain.incoming.scanner_answers import (
    Scored,
    read_clamd,
    read_rspamd,
    read_spamd,
)
from chalicelib.domain.inspection import SpamCheck, Threat

REPORT = b"""Content analysis details:   (7.4 points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
-0.0 NO_RELAYS              Informational: message was not relayed via SMTP
 2.5 URIBL_X                Contains a URL listed in a list
                            [URIs: bad.example]
 1.2 SPF_FAIL               SPF: sender does not match SPF record (fail)
 3.7 GTUBE                  BODY: Generic Test for Unsolicited Bulk Email

"""
SPAMD = b"SPAMD/1.1 0 EX_OK\r\nContent-length: 500\r\nSpam: True ; 7.4 / 5.0\r\n\r\n" + REPORT


def test_the_table_of_spamd_is_read() -> None:
    assert read_spamd(SPAMD, is_outgoing=False) == Scored(
        7.4,
        (
            SpamCheck("NO_RELAYS", 0.0, "Informational: message was not relayed via SMTP"),
            SpamCheck("URIBL_X", 2.5, "Contains a URL listed in a list [URIs: bad.example]"),
            SpamCheck("SPF_FAIL", 1.2, "SPF: sender does not match SPF record (fail)"),
            SpamCheck("GTUBE", 3.7, "BODY: Generic Test for Unsolicited Bulk Email"),
        ),
    )


def test_what_the_network_says_is_left_out_of_outgoing_mail() -> None:
    scored = read_spamd(SPAMD, is_outgoing=True)
    assert scored is not None
    assert scored.score == 6.2
    assert [one.code for one in scored.checks] == ["URIBL_X", "GTUBE"]


def test_a_report_of_another_form_still_has_its_score() -> None:
    answer = b"SPAMD/1.1 0 EX_OK\r\nSpam: False ; -1.25 / 5.0\r\n\r\nsomething else"
    assert read_spamd(answer, is_outgoing=False) == Scored(-1.2, ())


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SPAMD/1.1 76 EX_PROTOCOL\r\nSpam: True ; 7.4 / 5.0\r\n\r\n",
        b"SPAMD/1.1 0 EX_OK\r\n\r\nSpam: True ; 7.4 / 5.0\r\n",
        b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; 1.2.3 / 5.0\r\n\r\n",
    ],
)
def test_what_is_no_answer_of_spamd_is_none(answer: bytes) -> None:
    assert read_spamd(answer, is_outgoing=False) is None


def test_the_symbols_of_rspamd_are_read() -> None:
    said = {
        "score": 6.25,
        "symbols": {
            "A": {"name": "A", "score": 5, "description": "x" * 300},
            "B": {"name": "B", "score": -0.04, "description": None},
            "C": {"name": "C", "score": "high"},
            "D": 7,
        },
    }
    assert read_rspamd(json.dumps(said).encode()) == Scored(
        6.2, (SpamCheck("A", 5.0, "x" * 200), SpamCheck("B", 0.0, ""))
    )


@pytest.mark.parametrize(
    "answer",
    [b"", b"[]", b"{}", b'{"score": NaN}', b'{"score": true}', b'{"score": null}', b"[" * 100_000],
)
def test_what_is_no_answer_of_rspamd_is_none(answer: bytes) -> None:
    assert read_rspamd(answer) is None


def test_clamd_finds_a_threat_or_none() -> None:
    assert read_clamd(b"stream: OK\0") == Threat(False, "No threats found")
    assert read_clamd(b"stream: Win.Test.EICAR_HDB-1 FOUND\0") == Threat(
        True, "Win.Test.EICAR_HDB-1 FOUND"
    )
    assert read_clamd(b"INSTREAM size limit exceeded. ERROR\0") is None
    assert read_clamd(b"stream: Can't allocate memory ERROR\0") is None
    assert read_clamd(b"") is None


def test_what_is_kept_is_bounded() -> None:
    table = REPORT + b" 1.0 MANY  text\n" * 5_000
    scored = read_spamd(SPAMD.replace(REPORT, table), is_outgoing=False)
    assert scored is not None
    assert len(scored.checks) == 100
