"""What is put in front of an outgoing message."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Rejected
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.own_fields import Additions, additions

TOKEN = "0123456789abcdef"
DATE = "Fri, 22 Mar 2024 12:00:00 +0000"
COMPLETE = b"From: a@example.com\r\nDate: x\r\nMessage-ID: <1@example.com>\r\n\r\nHello\r\n"


def front(
    content: bytes, resent_sender: str | None = None, message_id: str = "new@example.com"
) -> Additions:
    return additions(
        read_headers(content),
        token=TOKEN,
        message_id=message_id,
        date=DATE,
        resent_sender=resent_sender,
    )


def test_a_complete_message_gets_its_token_only() -> None:
    assert front(COMPLETE) == Additions(b"", (b"X-Postal-MsgID: 0123456789abcdef\r\n",), True)


def test_missing_fields_are_added() -> None:
    assert front(b"From: a@example.com\r\n\r\n").below_signatures == (
        b"X-Postal-MsgID: 0123456789abcdef\r\n",
        b"Message-ID: <new@example.com>\r\n",
        b"Date: Fri, 22 Mar 2024 12:00:00 +0000\r\n",
    )


def test_a_token_of_someone_else_does_not_switch_signing_off() -> None:
    assert front(b"X-Postal-MsgID: ffffffffffffffff\r\n" + COMPLETE).sign
    assert front(b"X-Postal-MsgID: \r\n" + COMPLETE).sign
    assert front(b"X-Postal-MsgID: 0123456789ABCDEF\r\n" + COMPLETE).sign


def test_our_own_token_means_that_it_was_here_before() -> None:
    assert front(b"X-Postal-MsgID: 0123456789abcdef\r\n" + COMPLETE) == Additions(b"", (), False)


def test_parts_come_in_order_and_the_content_is_not_copied() -> None:
    added = front(COMPLETE, resent_sender="x@rp.example.com")
    parts = added.assemble([b"DKIM-Signature: 1\r\n", b"DKIM-Signature: 2\r\n"], COMPLETE)
    assert parts[-1] is COMPLETE
    assert b"".join(parts[:-1]) == (
        b"Resent-Sender: x@rp.example.com\r\nDKIM-Signature: 1\r\nDKIM-Signature: 2\r\n"
        b"X-Postal-MsgID: 0123456789abcdef\r\n"
    )


def test_nothing_to_add_leaves_the_content_alone() -> None:
    assert Additions(b"", (), False).assemble([], COMPLETE) == (COMPLETE,)


@pytest.mark.parametrize("text", ["a\r\nBcc: x@evil.example", "a\nb", "a\x00", "a\ud800"])
def test_a_value_cannot_break_out_of_its_field(text: str) -> None:
    with pytest.raises(Rejected):
        front(COMPLETE, resent_sender=text)
    with pytest.raises(Rejected):
        front(b"\r\n", message_id=text)


def test_complaints_are_asked_for_once_and_under_the_signatures() -> None:
    def with_address(content: bytes) -> tuple[bytes, ...]:
        added = additions(
            read_headers(content),
            token=TOKEN,
            message_id="x",
            date=DATE,
            resent_sender=None,
            complaints_to="abc@psrp.example.com",
        )
        return added.below_signatures

    field = b"CFBL-Address: abc@psrp.example.com; report=arf\r\n"
    assert with_address(COMPLETE) == (b"X-Postal-MsgID: 0123456789abcdef\r\n", field)
    assert field not in with_address(b"CFBL-Address: own@example.com\r\n" + COMPLETE)
    assert with_address(b"X-Postal-MsgID: 0123456789abcdef\r\n" + COMPLETE) == ()
