"""Replies and whole reports as mail systems write them, and what a person reads in them.

`tests/data/reports` has replies that rules may be made from, and others that were set aside to measure them; and mails,
each with what it says in a field of its own, written from the page that it names.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from chalicelib.domain.incoming.causes import cause_of
from chalicelib.domain.incoming.reports.read import read_report
from chalicelib.domain.mail.headers import read_headers

REPORTS = Path(__file__).parents[3] / "data" / "reports"
MAILS = sorted((REPORTS / "mails").glob("*.eml"))
LEAST_RIGHT = 0.95
SECONDS = 0.1  # for a mebibyte of anything
MIB = 1 << 20


def replies(name: str) -> list[tuple[str, str]]:
    lines = (REPORTS / name).read_text().splitlines()
    return [tuple(line.split("\t", 1)) for line in lines if line[:1] not in ("", "#")]  # type: ignore[misc]


@pytest.mark.parametrize(("cause", "text"), replies("training.txt"))
def test_a_known_reply_has_its_cause(cause: str, text: str) -> None:
    assert cause_of(0, "", text) == cause


def test_nearly_all_replies_that_were_set_aside_have_their_cause() -> None:
    known = replies("set-aside.txt")
    wrong = [(cause, text) for cause, text in known if cause_of(0, "", text) != cause]
    assert len(wrong) <= (1 - LEAST_RIGHT) * len(known), wrong


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_a_mail_is_read(path: Path, newline: bytes) -> None:
    content = path.read_bytes().replace(b"\n", newline)
    fields = read_headers(content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    kind, cause, recipient = fields.values(b"x-expected")[0].decode().split()
    found = read_report(content)
    if kind == "none":
        assert found.blocks == ()
        return
    block = found.block_about(recipient)
    assert block is not None
    assert block.kind is not None
    assert (block.kind.value, block.cause or "-", block.recipient or "-") == (
        kind,
        cause,
        recipient,
    )
    if b"X-Postal-MsgID" in content:
        assert found.tokens == ("abcdefABCDEF1234",)
    if b"Message-ID: <one@acme.test>" in content:
        assert found.message_ids == ("one@acme.test",)


HOSTILE = {
    "addresses": b"From: postmaster@x\r\nSubject: failure notice\r\n\r\n" + b"a@b.c " * 200_000,
    "lines of addresses": b"From: postmaster@x\r\nSubject: failure notice\r\n\r\n"
    + b"a@b.c \n" * 150_000,
    "at signs": b"@" * MIB,
    "tags": b"From: postmaster@x\r\nContent-Type: text/html\r\n\r\n" + b"<br" * 350_000,
    "parts": b"Content-Type: multipart/report; boundary=B\r\n\r\n"
    + b"--B\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\n\r\n" * 15_000,
    "groups": b"Content-Type: message/delivery-status\r\n\r\n"
    + b"Final-Recipient: rfc822; a@b\r\n\r\n" * 30_000,
    "folds": b"Content-Type: message/delivery-status\r\n\r\nAction: failed\r\nDiagnostic-Code: x\r\n"
    + b" aaa\r\n" * 150_000,
    "blanks": b"Content-Type: message/delivery-status\r\n\r\nAction: failed\r\n" + b" " * MIB,
    "tokens": b"X-Postal-MsgID: aaaaaaaaaaaaaaaa\r\n" * 30_000,
    "fields": b"From: a@b, " * 90_000,
    "base64": b"Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + b"QUFB" * 260_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_takes_no_time(name: str) -> None:
    read_report(b"")
    took = []
    for _ in range(3):
        began = time.process_time()
        read_report(HOSTILE[name])
        took.append(time.process_time() - began)
    assert min(took) < SECONDS
