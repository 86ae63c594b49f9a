"""The report that a sender gets: whatever the message held, it has the lines that it should, and no others."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.mail.compose import Stamp
from chalicelib.domain.mail.delivery_report import Failure, compose_report
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.newlines import has_bare_newline
from chalicelib.domain.model import Message
from tests.older_values import NOW, ORDINARY

STAMP = Stamp("1@rp.test", "Fri, 15 Jan 2027 08:00:00 +0000", "=_m", "=_a", "=_r")
CONTENT = b"From: a@b.test\r\nSubject: x\r\n\r\nHi\r\n"
FIELDS = [
    *(b"date", b"from", b"to", b"message-id", b"subject", b"auto-submitted", b"mime-version"),
    *(b"content-type", b"content-transfer-encoding"),
]


def report(content: bytes = CONTENT, message: Message = ORDINARY, **changes: str) -> bytes:
    failure = Failure(
        message=message,
        content=content,
        author="support@acme.test",
        postmaster="postmaster@acme.test",
        server_token="abcdef",
        reporter="mx.test",
        status="5.1.1",
        at=NOW,
        remote="mx.far.test",
        diagnostic="550 5.1.1 No",
    )
    return compose_report(replace(failure, **changes), STAMP)


def status_of(made: bytes) -> list[bytes]:
    part = made.split(b"--=_m")[2].partition(b"\r\n\r\n")[2]
    return part.split(b"\r\n")


INJECTIONS = [
    "x\r\nBcc: all@far.test",
    "x\nAction: delivered",
    "x\0y",
    "\ud800",
    "\u2028x",
    "=?utf-8?q?=0D=0ABcc:_x?=",
    "x" * 5_000,
    "",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_text_breaks_out_of_its_line(text: str) -> None:
    dsn = DsnParameters("", f"rfc822;{text}", "", text)
    message = replace(ORDINARY, subject=text, message_id=text, dsn=dsn)
    made = report(message=message, diagnostic=text, remote=text)
    headers = read_headers(made)
    assert [one.name for one in headers.fields] == FIELDS
    assert not has_bare_newline(made)
    plain = report()
    assert sum(line.startswith(b"Action: ") for line in status_of(made)) == 1
    names = {line.partition(b":")[0] for line in status_of(plain)}
    added = {b"Original-Envelope-Id", b"Original-Recipient"}
    assert {line.partition(b":")[0] for line in status_of(made) if line} <= names | added


@pytest.mark.parametrize(
    ("given_as", "shown"),
    [
        ("rfc822;j+2B1@far.test", b"rfc822; j+1@far.test"),
        ("rfc822;a+0D+0ABcc:x", b"rfc822; a+0D+0ABcc:x"),
        ("rfc822;a+FFb", b"rfc822; a+FFb"),
        ("utf-8;j+C3+B6rg@far.test", "utf-8; jörg@far.test".encode()),
    ],
)
def test_the_original_recipient_is_decoded_if_it_is_a_line(given_as: str, shown: bytes) -> None:
    message = replace(ORDINARY, dsn=DsnParameters(orcpt=given_as))
    made = report(message=message)
    if shown.isascii():
        assert b"Original-Recipient: " + shown in status_of(made)
    else:
        assert b"Content-Type: message/global-delivery-status" in made


@given(st.binary(max_size=300), st.booleans(), st.sampled_from(["", "HDRS", "FULL"]))
def test_any_content_can_be_returned(content: bytes, smtputf8: bool, ret: str) -> None:
    message = replace(ORDINARY, smtputf8=smtputf8, dsn=DsnParameters(ret=ret))
    made = report(content, message)
    assert [one.name for one in read_headers(made).fields] == FIELDS
    assert made.count(b"--=_m\r\n") >= 3
    assert made.endswith(b"--=_m--\r\n")


def test_large_messages_take_their_copy_and_no_time() -> None:
    began = time.perf_counter()
    made = report(CONTENT + b"x" * 70 * 1 + b"\r\n" + (b"y" * 70 + b"\r\n") * 100_000)
    assert len(made) < 8_000_000
    assert time.perf_counter() - began < 1
