"""What lists and jobs choose by beside a search."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain import lifecycle
from chalicelib.domain.model import MessageRecord, Scope, State, Status
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.search.index_terms import wanted_by
from chalicelib.domain.search.mail_filter import MailFilter
from chalicelib.domain.search.parse import parse_query
from tests.fakes import NOW, a_delivery, a_message

NEW = MessageRecord(replace(a_message(ServerId(1), 1), rcpt_to="Bob@Example.com"))
FAILED = lifecycle.done(replace(NEW, state=State.LEASED), a_delivery(1, Status.HARD_FAIL))


def chosen_by(text: str = "", **choice: Any) -> MailFilter:
    return MailFilter(**choice, query=parse_query(text, NOW))


@pytest.mark.parametrize(
    ("wanted", "is_one"),
    [
        (chosen_by(), True),
        (chosen_by("order"), True),
        (chosen_by("nothing"), False),
        (chosen_by(scope=Scope.OUTGOING), True),
        (chosen_by(scope=Scope.INCOMING), False),
        (chosen_by("msgid:*", scope=Scope.INCOMING), True),
        (chosen_by("-msgid:x", scope=Scope.INCOMING), False),
        (chosen_by(flag="failed"), True),
        (chosen_by(flag="bounced"), False),
        (chosen_by(recipient="bob@example.com"), True),
        (chosen_by(recipient="bob@example.net"), False),
        (chosen_by("status:hardfail", flag="failed", recipient="BOB@example.com"), True),
    ],
)
def test_it_admits_what_all_of_it_holds_for(wanted: MailFilter, is_one: bool) -> None:
    assert wanted.admits(FAILED) is is_one


@pytest.mark.parametrize(
    ("flag", "terms"),
    [
        ("held", {"status=held"}),
        ("queued", {"status=softfail", "status=error"}),
        ("scheduled", {"wait=moving"}),
        ("failed", {"status=hardfail"}),
        ("bounced", {"status=bounced"}),
    ],
)
def test_an_index_is_asked_for_what_it_can_know_of_the_rest(flag: str, terms: set[str]) -> None:
    wanted = wanted_by(chosen_by("order", flag=flag, recipient="Bob@Example.com").narrowing)
    assert [one.terms for one in wanted] == [{"word=order"}, {"to=bob@example.com"}, terms]


@pytest.mark.parametrize(
    ("text", "is_cheap"),
    [("", True), ("id:1 to:a@b.c msgid:x token:y", True), ("order", False), ("id:1 tag:x", False)],
)
def test_what_is_known_at_once_is_cheap(text: str, is_cheap: bool) -> None:
    assert chosen_by(text).is_cheap is is_cheap
