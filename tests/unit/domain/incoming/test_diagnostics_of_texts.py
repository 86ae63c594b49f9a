"""What a report that is written for people alone gives as the other side's words."""

from __future__ import annotations

import pytest

from chalicelib.domain.incoming.reports.read import read_report

HEAD = "From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail Returned to Sender\n"
FAILED = "X-Failed-Recipients: bob@example.com\n"
TO_BOB = "<bob@example.com>"


def told(text: str, fields: str = "") -> tuple[str | None, str | None, str | None]:
    (block,) = read_report(f"{HEAD}{fields}\n{text}\n".encode()).blocks
    return block.diagnostic, block.cause, block.recipient


@pytest.mark.parametrize(
    ("text", "diagnostic"),
    [
        (f"{TO_BOB}\n    (reason: 550 5.1.1 User unknown)", "550 5.1.1 User unknown"),
        (
            f"{TO_BOB}\n    (reason: 550 5.1.1 No such user (in directory))\n    (expanded from: <x@y.example>)",
            "550 5.1.1 No such user (in directory)",
        ),
        (f"{TO_BOB} (reason: 550 5.1.1 User unknown)", "550 5.1.1 User unknown"),
        (
            "bob@example.com\nRemote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found'",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found",
        ),
        (
            "bob@example.com\nRemote Server returned '<#5.1.10 smtp;550 5.1.10 User unknown>'.",
            "550 5.1.10 User unknown",
        ),
        (f"{TO_BOB}: host [192.0.2.1] said: 550 no {TO_BOB}", f"550 no {TO_BOB}"),
        (f"{TO_BOB}: host mx said: 550 Bob's gone :) (in reply)", "550 Bob's gone :) (in reply)"),
    ],
)
def test_a_reply_is_given_without_what_it_is_quoted_with(text: str, diagnostic: str) -> None:
    assert told(text)[0] == diagnostic


def test_what_stands_behind_the_address_is_given() -> None:
    said = "Host or domain name not found. Name service error for name=x.example type=A"
    for text in (
        f"{TO_BOB}: {said}",
        f"{TO_BOB}: {said[:30]}\n    {said[31:]}",
        f"{TO_BOB}:\n{said}",
    ):
        assert told(f"This is the mail system at host mx.\n\n{text}\n\nMore") == (
            said,
            "domain_unknown",
            "bob@example.com",
        )


@pytest.mark.parametrize("fields", ["", FAILED])
def test_a_text_without_a_line_for_the_address_gives_the_paragraph_that_tells(fields: str) -> None:
    said = "The recipient's inbox is out of storage space and inactive."
    for text in (said, f"** Message not delivered **\n\n{said}\n\nLearn more.", f"Hello\n{said}"):
        diagnostic, cause, _ = told(text, fields)
        assert diagnostic is not None
        assert diagnostic.endswith(said)
        assert cause == "mailbox_full"


def test_exchange_says_in_german_that_there_is_no_such_recipient() -> None:
    said = "Die eingegebene E-Mail-Adresse konnte nicht gefunden werden."
    assert told(f"bob@example.com\n{said}") == (said, "recipient_unknown", "bob@example.com")
