"""Reply to verdict, hints, and the words of the record."""

from __future__ import annotations

import pytest

from chalicelib.domain.envelope import Target
from chalicelib.domain.reply import Reply
from chalicelib.domain.smtp.classify import (
    Verdict,
    accepted_text,
    classify,
    interrupted_text,
    leaves_the_host,
    place,
    refused_text,
    retry_after_hint,
    sentence,
    unreachable_text,
)

SOFT_50X = [500, 501, 502, 503, 504, 509, 530, 532, 535, 538]
HARD_5XX = [510, 511, 521, 523, 540, 541, 550, 551, 552, 553, 554, 555, 556, 571, 599]


@pytest.mark.parametrize("code", [200, 250, 251, 252, 299])
def test_2xx_to_the_final_dot_is_sent(code: int) -> None:
    assert classify(Reply(code, "", "")) is Verdict.SENT


@pytest.mark.parametrize("code", [400, 421, 450, 451, 452, 499, *SOFT_50X])
def test_4xx_and_50x_and_53x_are_temporary(code: int) -> None:
    assert classify(Reply(code, "5.1.1", "never mind the enhanced code")) is Verdict.SOFT


@pytest.mark.parametrize("code", HARD_5XX)
def test_other_5xx_are_permanent(code: int) -> None:
    assert classify(Reply(code, "4.2.0", "never mind the enhanced code")) is Verdict.HARD


@pytest.mark.parametrize("code", [0, 100, 199, 300, 354, 600, 999])
def test_what_cannot_be_understood_is_temporary(code: int) -> None:
    assert classify(Reply(code, "", "")) is Verdict.SOFT


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_2xx_before_the_final_dot_is_not_sent(stage: str) -> None:
    assert classify(Reply(250, "", ""), stage) is Verdict.SOFT


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Greylisted, try again in 300 seconds", 310),
        ("wait 5 minutes please", 310),
        ("WAIT 5 MINUTES", 310),
        ("0 seconds", 10),
        ("120 seconds or 2 minutes", 130),
        ("999999999 minutes", 86_400),
        ("86400 seconds", 86_400),
        ("9999999999 seconds", None),
        ("1.5 seconds", None),
        ("seconds", None),
        ("5 hours", None),
        ("5minutes", None),
        ("", None),
    ],
)
def test_hints(text: str, seconds: int | None) -> None:
    assert retry_after_hint(text) == seconds


def test_421_leaves_the_host_until_there_was_content() -> None:
    for stage in ("MAIL", "RCPT", "DATA"):
        assert leaves_the_host(Reply(421, "4.3.2", ""), stage)
        assert not leaves_the_host(Reply(450, "4.3.2", ""), stage)
    assert not leaves_the_host(Reply(421, "4.3.2", ""), ".")


def test_texts_are_those_of_the_contract() -> None:
    remote = place(Target("mx.example.com", "198.51.100.7", 25))
    assert remote == "198.51.100.7:25 (mx.example.com)"
    assert place(Target("mx", "2001:db8::1", 25)) == "[2001:db8::1]:25 (mx)"
    assert accepted_text("a@b.c", remote) == f"Message for a@b.c accepted by {remote}"
    assert accepted_text("a@b.c", remote, "192.0.2.1").endswith(" (from 192.0.2.1)")
    assert refused_text(Verdict.SOFT, remote) == (
        f"Temporary SMTP delivery error when sending to {remote}"
    )
    assert refused_text(Verdict.HARD, remote) == (
        f"Permanent SMTP delivery error when sending to {remote}"
    )
    assert interrupted_text(remote) == f"An error occurred while sending the message to {remote}"


def test_unreachable_names_each_host_once() -> None:
    assert unreachable_text("x.test", []) == (
        "No SMTP servers were available for x.test. No hosts to try."
    )
    assert unreachable_text("x.test", ["a", "b", "a", "c"]) == (
        "No SMTP servers were available for x.test. Tried a, b, and c."
    )


def test_sentences() -> None:
    assert sentence(["a"]) == "a"
    assert sentence(["a", "b"]) == "a and b"
    assert sentence(["a", "b", "c", "d"]) == "a, b, c, and d"
