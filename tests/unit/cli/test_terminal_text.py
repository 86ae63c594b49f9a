"""Foreign text shown on a terminal can be read and cannot act."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.cli.terminal import (
    facts,
    iso,
    json_text,
    moment,
    span,
    table,
    visible,
    visible_lines,
)
from chalicelib.domain.model import (
    BlobRef,
    Delivery,
    Message,
    MessageRecord,
    Origin,
    Scope,
    State,
    Status,
)
from chalicelib.domain.numbering import MessageId, ServerId
from tests.timelines import timeline_of

ATTACKS = [
    "\x1b[2J\x1b[H250 2.0.0 delivered",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "a\rb",
    "a\nfake line",
    "a\x08\x08b",
    "\x9b31m",
    "moc.elpmaxe\u202ekcatta",
    "zero\u200bwidth",
    "line\u2028separator",
    "\x00\x7f\x85",
]


def obeyed(text: str) -> list[str]:
    """The characters that a terminal would act on."""
    return [char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"}]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_shown_instead_of_obeyed(attack: str) -> None:
    assert obeyed(attack)
    assert obeyed(visible(attack)) == []


def test_ordinary_text_is_left_alone() -> None:
    for text in ("Hello", "Grüße, 東京 – 100 % ×2", "👋", ""):
        assert visible(text) == text


def test_escapes_say_what_was_there() -> None:
    assert visible("\x1b[0m\u202e\U000e0001") == "\\x1b[0m\\u202e\\U000e0001"


@given(st.text(st.characters()))
def test_nothing_visible_acts(text: str) -> None:
    assert obeyed(visible(text)) == []


@given(st.lists(st.tuples(st.text(), st.text())))
def test_a_table_has_one_line_a_row(rows: list[tuple[str, str]]) -> None:
    text = table(rows, ("one", "two"))
    assert len(text.split("\n")) == len(rows) + 1
    assert obeyed(text.replace("\n", "")) == []


@given(st.text())
def test_facts_have_one_line_a_pair(value: str) -> None:
    assert len(facts([("a", value), ("b", value)]).split("\n")) == 2


@given(st.recursive(st.text() | st.none() | st.integers(), st.lists))
def test_json_is_ascii_without_controls_and_reads_back(value: object) -> None:
    text = json_text(value, indent=None)
    assert text.isascii()
    assert obeyed(text) == []
    assert json.loads(text) == value


def test_mail_on_a_terminal_keeps_its_lines() -> None:
    shown = visible_lines(b"Subject: \x1b[2Jx\r\n\r\n\tb\xff\rc\r\n")
    assert shown == "Subject: \\x1b[2Jx\n\n    b\\xff\\x0dc\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (12.4, "12 s"),
        (299, "4 min 59 s"),
        (3600, "1 h"),
        (93_600, "1 d 2 h"),
        (-5, "0 s"),
    ],
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_moments_are_utc() -> None:
    assert moment(1_800_000_000.9) == "2027-01-15 08:00:00"
    assert iso(1_800_000_000.25) == "2027-01-15T08:00:00.250Z"
    assert iso(None) is None


def record(**changes: object) -> MessageRecord:
    message = Message(
        server_id=ServerId(1),
        id=MessageId(14),
        token="AbCdEfGhIjKlMnOp",
        scope=Scope.OUTGOING,
        mail_from="app@acme.test",
        rcpt_to="john@example.com",
        subject="Hi \x1b[2J",
        message_id="one@acme.test",
        received_at=1_800_000_000.0,
        size=822,
        blob=BlobRef("k", 0, 822),
        origin=Origin("default", "acme.test", "abc"),
    )
    values: dict[str, object] = {"message": message} | changes
    return MessageRecord(**values)  # type: ignore[arg-type]  # a test's shorthand


SOFT = Delivery(
    1,
    Status.SOFT_FAIL,
    "Temporary SMTP delivery error when sending to 198.51.100.7:25 (mx.example.com)",
    1_800_000_001.0,
    output="450 4.2.0 Greylisted\x1b]0;pwned\x07",
    sent_with_ssl=True,
    log_id="QIZB72LM",
    seconds=0.52,
    tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
    source="192.0.2.1",
    remote="198.51.100.7:25 (mx.example.com)",
)


def test_a_timeline_tells_the_whole_story() -> None:
    waiting = record(status=Status.SOFT_FAIL, tries=1, wake_at=1_800_000_301, attempt=1)
    text = timeline_of(waiting, [SOFT], now=1_800_000_002.0)
    assert obeyed(text.replace("\n", "")) == []
    lines = [" ".join(line.split()) for line in text.split("\n")]
    assert (
        "2027-01-15 08:00:00 Accepted from app@acme.test for john@example.com, 822 bytes" in lines
    )
    assert f"2027-01-15 08:00:01 SoftFail {SOFT.details}" in lines
    assert "reply 450 4.2.0 Greylisted\\x1b]0;pwned\\x07" in lines
    assert "way 192.0.2.1 → 198.51.100.7:25 (mx.example.com)" in lines
    assert "TLS TLSv1.3 TLS_AES_256_GCM_SHA384" in lines
    assert "took 0.52 s" in lines
    assert "log QIZB72LM" in lines
    assert "2027-01-15 08:05:01 (next) attempt 2 of 18, in 4 min 59 s" in lines


def test_a_timeline_of_what_comes_next() -> None:
    now = 1_800_000_010.0
    assert "as soon as a worker is free" in timeline_of(record(), [], now)
    leased = record(state=State.LEASED, lease_until=1_800_000_300)
    assert "attempt 1 is running" in timeline_of(leased, [], now)
    held = record(state=State.HELD, held=True, hold_expires_at=1_800_600_000, status=Status.HELD)
    assert "(expires)" in timeline_of(held, [], now)
    done = timeline_of(record(state=State.DONE, status=Status.SENT), [], now)
    assert "(next)" not in done
