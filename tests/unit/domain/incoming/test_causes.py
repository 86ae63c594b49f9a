"""Codes and words to causes, in the order of api.md 2.12, and what causes mean for suppressions."""

from __future__ import annotations

import time

import pytest

from chalicelib.domain.incoming.cause_rules.sources import SOURCES
from chalicelib.domain.incoming.causes import (
    COUNTED,
    LONGEST_TEXT,
    OURS,
    PROVIDERS,
    WORDS,
    cause_of,
    cause_of_reply,
    is_about_us,
)
from chalicelib.domain.reply import Reply, parse_reply

ALL = COUNTED | OURS | {
    "mailbox_full", "domain_unknown", "virus", "too_many_recipients", "message_too_large", "transient", "expired",
}  # fmt: skip

TABLE = [
    ("recipient_unknown", "1.0 1.1 1.3 1.6 1.10"),
    ("domain_unknown", "1.2"),
    ("sender_invalid", "1.7 1.8"),
    ("mailbox_inactive", "2.1 7.13"),
    ("mailbox_full", "2.2"),
    ("message_too_large", "2.3 3.4"),
    ("transient", "3.1 3.2"),
    ("no_answer", "4.1"),
    ("connection", "4.2"),
    ("dns_failure", "4.3"),
    ("routing", "4.4 4.6"),
    ("expired", "4.7"),
    ("too_many_recipients", "5.3"),
    ("protocol", "5.0 5.1 5.2 5.4 6.0 6.1 6.3 6.7 6.9"),
    ("policy", "7.0 7.1 7.2 7.7 7.600 7.606 7.699"),
    ("authentication", "7.9 7.20 7.25 7.26 7.27 7.509 7.515"),
    ("tls_required", "7.10 7.11"),
    ("rate_limited", "7.28"),
]


@pytest.mark.parametrize(
    ("cause", "code"), [(cause, code) for cause, codes in TABLE for code in codes.split()]
)
@pytest.mark.parametrize("first", [4, 5])
def test_a_code_says_the_same_for_now_and_for_good(first: int, code: str, cause: str) -> None:
    assert cause_of(first * 110, f"{first}.{code}", "No") == cause
    assert cause_of(first * 110, "", f"No ({first}.{code})") == cause


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "cause"),
    [
        # A receiver's wording goes before its code.
        (550, "5.4.1", "Recipient address rejected: Access denied. [x.eop]", "recipient_unknown"),
        (550, "5.1.1", "Relaying denied", "policy"),
        # A code that is not general goes before words.
        (550, "5.1.1", "Mailbox full", "recipient_unknown"),
        (552, "5.2.2", "User unknown", "mailbox_full"),
        # Words go before a general code, and before one that no row has.
        (550, "5.7.1", "User unknown", "recipient_unknown"),
        (550, "5.1.0", "Message rejected as spam", "spam"),
        (450, "4.4.1", "Greylisted, come back later", "greylisted"),
        (550, "5.3.0", "User unknown", "recipient_unknown"),
        # The basic code is left.
        (550, "", "No", "unknown"),
        (554, "5.3.0", "No", "unknown"),
        (550, "5.0.0", "", "unknown"),
        (450, "", "No", "transient"),
        (0, "4.3.0", "", "transient"),
        (0, "", "", "unknown"),
        (450, "4.2.0", "Recipient address rejected: Greylisted", "greylisted"),
        (550, "", "mailbox unavailable", "recipient_unknown"),
        (450, "", "mailbox unavailable", "transient"),
        (550, "", "<spam.virus@example.com>: no such user", "recipient_unknown"),
        (550, "", "Remote said 550 5.1.1 not for us", "recipient_unknown"),
        # What IronPort writes in front of a reply is not what the reply says.
        (0, "", "5.1.0 - Unknown address error 550-'5.7.1 Access denied'", "policy"),
        (550, "", "from 192.5.1.1 refused by 5.1.1.1", "policy"),
    ],
)
def test_the_first_that_says_something_decides(
    code: int, enhanced: str, text: str, cause: str
) -> None:
    assert cause_of(code, enhanced, text) == cause


def test_codes_repeated_on_each_line_do_not_break_words_apart() -> None:
    text = (
        "550-5.7.1 The email account that you tried to reach\n550-5.7.1 does\n550 5.7.1 not exist"
    )
    assert cause_of(550, "5.7.1", text) == "recipient_unknown"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("To protect our users your message was unlocked", "unknown"),  # no user is locked
        ("Your friend antoinette disabled it", "unknown"),
        ("user_unknown", "recipient_unknown"),
        ("User-Unknown", "recipient_unknown"),
        ("rate-limit", "rate_limited"),
        ("throttled", "rate_limited"),
    ],
)
def test_words_are_found_where_a_word_begins_however_it_is_joined(text: str, cause: str) -> None:
    assert cause_of(550, "", text) == cause


def test_each_rule_has_a_cause_and_a_source_and_is_found() -> None:
    for rule in (*PROVIDERS, *WORDS):
        assert rule.cause in ALL, rule
        assert rule.source in SOURCES, rule
        assert all(rule.pieces), rule
        text = " and ".join(rule.pieces)
        assert text == " ".join(text.lower().split()), rule
        assert rule.says(text, rule.when), rule


@pytest.mark.parametrize(
    "text",
    ["user " * 2_000_000, "5." * 5_000_000, "(" * 10_000_000, "@" * 10_000_000, "550-" * 2_000_000],
    ids=lambda text: text[:4],
)
def test_of_a_hostile_text_no_more_is_read_than_its_beginning(text: str) -> None:
    assert LONGEST_TEXT <= 4_000
    began = time.process_time()
    cause = cause_of(550, text[:LONGEST_TEXT], text[:LONGEST_TEXT])
    of_the_beginning, began = time.process_time() - began, time.process_time()
    assert cause_of(550, text, text) == cause
    assert time.process_time() - began < 100 * of_the_beginning + 0.01


@pytest.mark.parametrize(
    ("line", "stage", "final", "expected"),
    [
        (b"550 No", "RCPT", True, False),
        (b"550 5.1.1 No", "RCPT", True, False),
        (b"550 5.1.1 No", "MAIL", True, True),
        (b"550 No", "MAIL", True, True),
        (b"550 5.1.8 No", "RCPT", True, True),
        (b"550 5.2.1 No", "RCPT", True, False),
        (b"550 5.2.2 No", "RCPT", True, True),
        (b"550 5.4.1 No", "RCPT", True, True),
        (b"550 5.7.13 No", "RCPT", True, False),
        (b"550 #5.7.1 no", "RCPT", True, True),
        (b"550 5.7.1: no", "RCPT", True, True),
        (b"550 no (5.7.1)", "RCPT", True, True),
        (b"550 no [5.7.1 by rule]", "RCPT", True, True),
        (b"550\t5.7.1 x", "RCPT", True, True),
        (b"550 4.7.1 x", "RCPT", True, True),
        (b"450 5.7.1 x", "RCPT", False, True),
        (b"550 sorry, no mailbox here by that name (#5.1.1)", "RCPT", True, False),
        (b"550 5.7.1.9 is not here", "RCPT", True, False),
        (b"550 15.7.1 is not here", "RCPT", True, False),
        (b"550 5.7.1999", "RCPT", True, False),
        (b"550 no such user, see our policy 5.7.1", "RCPT", True, False),
        (b"451 4.3.0 No", "RCPT", False, False),
        (b"450 4.4.2 No", "RCPT", False, True),
        (b"452 4.2.2 No", "RCPT", False, False),
        (b"450 4.1.2 No", "RCPT", False, False),
    ],
)
def test_which_refusals_say_nothing_of_the_recipient(
    line: bytes, stage: str, final: bool, expected: bool
) -> None:
    reply = parse_reply([line])
    assert reply is not None
    assert is_about_us(cause_of_reply(reply, stage), final=final) is expected


@pytest.mark.parametrize(
    "text",
    [
        "550 Sender IP address not in allowed list",
        "550 The user you authenticated as may not send from this address",
        "554 Recipient address is not accepting this type of content",
        "550 From address is not valid",
        "550 Reply-To address does not exist",
        "550 The IP address has not been verified",
        "550 Your account has been suspended from sending",
        "554 Your account is disabled for outgoing mail",
        "550 The address you send from is not registered with us",
        "550 the return address is invalid",
        "550 envelope address not found in DNS",
        "550 Sorry, your address (192.0.2.4) is not on our approved list",
        "550 list address: you are not a member",
        "550 Your IP address is not allowed to connect",
        "550 This mailbox does not accept mail from outside",
        "550 Customer's mailbox policy rejects unknown senders",
        "550 cannot verify your address, sender unknown",
        "550 user not authorized to relay",
    ],
)
def test_words_of_recipients_in_what_is_said_of_us_suppress_nobody(text: str) -> None:
    assert cause_of(0, "", text) in OURS


def test_what_is_said_of_the_sender_keeps_its_cause() -> None:
    assert cause_of_reply(Reply(550, "5.7.1", "Relaying denied"), "MAIL") == "policy"
    assert cause_of_reply(Reply(550, "5.1.1", "No such user"), "MAIL") == "sender_invalid"
