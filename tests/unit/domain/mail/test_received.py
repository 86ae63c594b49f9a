"""The Received field and the dates of mail."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest

from chalicelib.domain.mail.received import received_field, rfc2822_date

DATE = "Fri, 22 Mar 2024 12:00:00 +0000"


def field(
    helo: str = "client.example", peer_name: str | None = "host.example", privacy: bool = False
) -> bytes:
    return received_field(
        helo=helo,
        peer_name=peer_name,
        peer_address="203.0.113.5",
        by="mx.example.com",
        protocol="SMTP",
        date=DATE,
        privacy=privacy,
    )


def test_the_field_is_as_clients_know_it() -> None:
    assert field() == (
        b"Received: from client.example (host.example [203.0.113.5]) by mx.example.com with SMTP; "
        b"Fri, 22 Mar 2024 12:00:00 +0000\r\n"
    )


def test_without_a_name_the_address_stands_for_it() -> None:
    assert b"(203.0.113.5 [203.0.113.5])" in field(peer_name=None)


def test_privacy_hides_the_client() -> None:
    assert (
        field(privacy=True)
        == b"Received: by mx.example.com with SMTP; Fri, 22 Mar 2024 12:00:00 +0000\r\n"
    )


@pytest.mark.parametrize(
    "helo",
    [
        "a\r\nBcc: x@evil.example",
        "a by evil.example; Mon",
        "a (b",
        "zoë",
        "\x00",
        "x" * 5_000,
        "",
        "[IPv6:::1]",
    ],
)
def test_a_greeting_cannot_write_into_the_field(helo: str) -> None:
    line = field(helo=helo, peer_name=helo or None)
    assert line.count(b"\r\n") == 1
    assert line.count(b"(") == line.count(b")") == 1
    assert line.count(b";") == 1
    assert line.isascii()
    assert len(line) <= 998
    assert line.count(b" by ") == 1


@pytest.mark.parametrize("epoch", [0, 1_711_108_800.9, 951_782_400, 4_102_444_799])
def test_dates_are_read_back_by_python(epoch: float) -> None:
    text = rfc2822_date(epoch)
    assert text.endswith(" +0000")
    assert parsedate_to_datetime(text).timestamp() == int(epoch)


def test_a_known_date() -> None:
    assert rfc2822_date(1_711_108_800) == DATE
