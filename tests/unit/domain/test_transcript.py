"""What was said with a host is kept line by line, bounded, without content or secrets, and read as it was said."""

from __future__ import annotations

import random
import zlib
from dataclasses import replace

import pytest

from chalicelib.domain.conversations import conversation_of, with_conversation
from chalicelib.domain.reply import Reply, parse_reply
from chalicelib.domain.transcript import (
    LONGEST_LINE,
    MOST_BYTES,
    MOST_LINES,
    Heard,
    Line,
    Transcript,
    pack,
    unpack,
)
from chalicelib.domain.transcript_words import WORDS
from tests.fakes import a_delivery, a_message

KNOWN = ("rp-abc@acme.test", "bob@example.com", "250 2.0.0 OK queued as 4711")
# What lies in stores is unreadable with other words.
WORDS_LENGTH, WORDS_CHECK = 1_968, 9_391_969


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def a_transcript() -> tuple[Transcript, Watch]:
    watch = Watch()
    transcript = Transcript(watch)
    transcript.begin("mx.example.com", "192.0.2.25")
    return transcript, watch


def a_conversation() -> Heard:
    transcript, watch = a_transcript()
    watch.now += 0.012
    transcript.hear(Reply(220, "", "mx.example.com ESMTP\nready"))
    transcript.say(b"MAIL FROM:<rp-abc@acme.test>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n")
    watch.now += 0.5
    transcript.hear(Reply(354, "", "Go ahead"))
    transcript.send(20_911)
    watch.now += 1
    transcript.hear(Reply(250, "2.0.0", "OK queued as 4711"))
    heard = transcript.heard()
    assert heard is not None
    return heard


def test_it_takes_down_who_said_what_and_when() -> None:
    assert [(one.ms, one.speaker, one.text) for one in a_conversation().lines] == [
        (12, "them", "220-mx.example.com ESMTP"),
        (12, "them", "220 ready"),
        (12, "us", "MAIL FROM:<rp-abc@acme.test>"),
        (12, "us", "RCPT TO:<bob@example.com>"),
        (12, "us", "DATA"),
        (512, "them", "354 Go ahead"),
        (512, "us", "(20911 bytes)"),
        (1512, "them", "250 2.0.0 OK queued as 4711"),
    ]


def test_another_host_begins_it_anew() -> None:
    transcript, watch = a_transcript()
    transcript.hear(Reply(421, "", "Go away"))
    watch.now += 5
    transcript.begin("mx2.example.com", "192.0.2.26")
    assert transcript.heard() is None
    transcript.hear(Reply(220, "", "mx2"))
    heard = transcript.heard()
    assert heard is not None
    assert (heard.host, heard.lines) == ("mx2.example.com", (Line(0, "them", "220 mx2"),))


def test_what_was_packed_is_read_beside_the_same_texts_alone() -> None:
    heard = a_conversation()
    packed = pack(heard, KNOWN)
    assert unpack(packed, KNOWN) == heard
    assert unpack(packed, ("rp-abc@acme.test", "eve@example.com", KNOWN[2])) != heard


def test_an_ordinary_conversation_is_a_few_dozen_bytes() -> None:
    assert len(pack(a_conversation(), KNOWN)) < 110


def test_the_words_are_never_changed() -> None:
    assert (len(WORDS), zlib.crc32(WORDS)) == (WORDS_LENGTH, WORDS_CHECK)


def test_a_long_one_keeps_its_beginning_and_its_end() -> None:
    transcript, watch = a_transcript()
    for number in range(1_000):
        watch.now += 0.001
        transcript.hear(Reply(250, "", f"line {number}"))
    heard = transcript.heard()
    assert heard is not None
    assert len(heard.lines) == MOST_LINES
    assert heard.truncated
    assert heard.lines[0].text == "250 line 0"
    assert heard.lines[-1].text == "250 line 999"


def test_what_cannot_be_made_short_loses_its_middle() -> None:
    noise = random.Random(4711)
    transcript, _ = a_transcript()
    for number in range(MOST_LINES):
        words = "".join(chr(noise.randrange(0x4E00, 0x9FFF)) for _ in range(LONGEST_LINE + 50))
        transcript.hear(Reply(550, "", f"{number} {words}"))
    transcript.hear(Reply(550, "5.1.1", "the end"))
    heard = transcript.heard()
    assert heard is not None
    assert max(len(one.text) for one in heard.lines) == LONGEST_LINE
    packed = pack(heard, KNOWN)
    assert 0 < len(packed) <= MOST_BYTES
    short = unpack(packed, KNOWN)
    assert short is not None
    assert short.truncated
    assert short.lines[-1].text == "550 5.1.1 the end"
    longer = "".join(one.text for one in heard.lines[:4])
    assert pack(Heard((Line(0, "them", longer),)), KNOWN) == b""


@pytest.mark.parametrize("text", ["a\rb", "a\x00b", "a\x1bb", "a\x85b\u2028c", "\ud83d\ude00", ""])
def test_hostile_words_are_one_line(text: str) -> None:
    transcript, _ = a_transcript()
    transcript.hear(Reply(250, "", text))
    heard = transcript.heard()
    assert heard is not None
    again = unpack(pack(heard, KNOWN), KNOWN)
    assert again is not None
    assert len(again.lines) == 1
    assert not set(again.lines[0].text) & set(map(chr, range(32)))


@pytest.mark.parametrize(
    "packed",
    [b"", b"\x01", b"\x02abc", b"\x01" + b"\xff" * 50, b"\x01" + zlib.compress(b"x" * 10_000_000)],
)
def test_what_is_no_conversation_is_none(packed: bytes) -> None:
    assert unpack(packed, KNOWN) is None


def test_a_delivery_tells_host_and_address_once() -> None:
    message, heard = a_message(1, 1), a_conversation()
    there = replace(a_delivery(1), remote="192.0.2.25:25 (mx.example.com)", source="198.51.100.7")
    kept = with_conversation(there, message, heard)
    found = conversation_of(message, kept)
    assert found is not None
    assert (found.host, found.address, found.source) == (heard.host, heard.address, "198.51.100.7")
    assert found.lines == heard.lines
    nowhere = with_conversation(replace(there, remote=None), message, heard)
    found = conversation_of(message, nowhere)
    assert found is not None
    assert (found.host, found.address) == (heard.host, heard.address)
    assert conversation_of(message, there) is None


def test_a_reply_is_told_as_it_came() -> None:
    reply = parse_reply([b"550-5.1.1 no such", b"550 5.1.1 mailbox"])
    assert reply is not None
    transcript, _ = a_transcript()
    transcript.hear(reply)
    heard = transcript.heard()
    assert heard is not None
    assert [one.text for one in heard.lines] == ["550-5.1.1 no such", "550 5.1.1 mailbox"]
