"""Which messages are of an address, and what stands in its place."""

from __future__ import annotations

import base64
import time
from dataclasses import replace

import pytest

from chalicelib.domain.erasure import Carries, Sought, hashed, is_hashed
from chalicelib.domain.model import Arrival, MessageRecord, Scope
from chalicelib.domain.numbering import ServerId
from tests.fakes import a_delivery, a_message

SOUGHT = Sought("Zoe@Example.com")
NOBODY = MessageRecord(a_message(ServerId(1), 1, mail_from="a@a.test", rcpt_to="b@b.test"))


def of(content: bytes = b"", **changes: object) -> Carries | None:
    record = replace(NOBODY, message=replace(NOBODY.message, **changes))  # type: ignore[arg-type]
    return SOUGHT.carried_by(record, content)


def test_the_envelope_decides() -> None:
    assert of() is None
    assert of(rcpt_to="zoe@example.COM") is Carries.ERASED
    assert of(mail_from="ZOE@example.com") is Carries.ERASED
    assert of(scope=Scope.INCOMING, arrival=Arrival(to="zoe@example.com")) is Carries.ERASED
    assert of(rcpt_to="other.zoe@example.com") is None
    assert of(rcpt_to="zoe@example.com.test") is None


@pytest.mark.parametrize(
    ("head", "carries"),
    [
        ("From: Zoe <zoe@example.com>", Carries.ERASED),
        ("from:\r\n zoe@EXAMPLE.com", Carries.ERASED),
        ("To: zoe@example.com", Carries.ERASED),
        ("To: Z <zoe@example.com>\r\nCc: zoe@example.com", Carries.ERASED),
        ("To: zoe@example.com, bob@example.com", Carries.NAMED),
        ("To: bob@example.com\r\nCc: zoe@example.com", Carries.NAMED),
        ("Subject: zoe@example.com", Carries.NAMED),
        ("To: bob@example.com\r\n\r\nFrom: zoe@example.com", Carries.NAMED),
        ("X-From: zoe@example.community", None),
    ],
)
def test_fields_name_the_sender_or_recipients(head: str, carries: Carries | None) -> None:
    assert of(f"{head}\r\n\r\nHello".encode()) is carries


@pytest.mark.parametrize("before", ["", "x", "xy", "a line\r\n" * 40])
@pytest.mark.parametrize("width", [60, 76, 100_000])
def test_a_part_in_base64_is_read(before: str, width: int) -> None:
    letters = base64.b64encode(f"{before} write to Zoe@Example.com, please".encode()).decode()
    lines = "\r\n".join(letters[at : at + width] for at in range(0, len(letters), width))
    head = "To: bob@example.com\r\nContent-Transfer-Encoding: BASE64\r\n"
    assert of(f"{head}\r\n{lines}\r\n".encode()) is Carries.NAMED
    parts = f"--b\r\n{head}\r\n{lines}\r\n--b--\r\n"
    assert of(f"Subject: x\r\n\r\nHello\r\n{parts}".encode()) is Carries.NAMED
    assert of(f"{head}\r\nHello zoe\r\n".encode()) is None


def test_a_part_in_quoted_printable_is_read() -> None:
    head = "To: bob@example.com\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    assert of(f"{head}\r\nwrite to zoe@exam=\r\nple.com\r\n".encode()) is Carries.NAMED
    assert of(f"{head}\r\nwrite to zoe=40example=2Ecom\r\n".encode()) is Carries.NAMED
    assert of(f"{head}\r\nwrite to zoe=40example=2Ecommunity\r\n".encode()) is None


def test_what_is_told_of_a_message_counts() -> None:
    assert of(subject="to zoe@example.com") is Carries.NAMED
    assert of(metadata='{"who":"zoe@example.com"}') is Carries.NAMED
    told = replace(NOBODY, deliveries=(a_delivery(1, output="550 <zoe@example.com> unknown"),))
    assert SOUGHT.carried_by(told, b"") is Carries.NAMED


def test_a_hash_stands_in_its_place() -> None:
    assert SOUGHT.digest == hashed("ZOE@example.com")
    assert is_hashed(SOUGHT.digest)
    text = '{"a":"Zoe@example.com","b":"azoe@example.com"}'
    assert SOUGHT.replaced(text) == f'{{"a":"{SOUGHT.digest}","b":"azoe@example.com"}}'
    assert not SOUGHT.is_in(SOUGHT.replaced(text))


@pytest.mark.parametrize(
    "hostile",
    [
        b"From: " + b"a" * 500_000,
        b"To: " + b"@" * 500_000,
        b"Cc:" + b"\r\n " * 200_000,
        b"zoe@" * 200_000,
        b"From:" * 100_000,
        b"base64 " + b"A" * 5_000_000,
        b"base64\n" + b"=\n" * 1_000_000,
        b"base64\n" + b"A\n" * 1_000_000,
        b"quoted-printable " + b"=" * 5_000_000,
        b"quoted-printable base64 " + b"zoe@example.co" * 300_000,
    ],
)
def test_time_grows_with_the_length_alone(hostile: bytes) -> None:
    def seconds(content: bytes) -> float:
        begun = time.process_time()
        of(content)
        return time.process_time() - begun

    half = max(seconds(hostile[: len(hostile) // 2]), 0.005)
    assert seconds(hostile) < 8 * half
