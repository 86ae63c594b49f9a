"""A server at a glance: figures and charts of its mail, what needs attention, each part failing alone, polls."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.sqlite.feed import SOURCE, EventFeed
from chalicelib.domain.reply import Reply
from chalicelib.ports.egress import TransactionResult
from chalicelib.services.events.fold_groups import FoldGroups
from chalicelib.services.events.outbox import Outbox
from chalicelib.web.asking import Asking
from tests.web.looking import VIEWER, Looker
from tests.web.test_message import UNKNOWN, deliver
from tests.web.test_messages import EVIL, sent
from tests.web.test_queue import held

PARTS = {
    "/overview": "What needs attention could not be loaded",
    "/statistics": "The figures could not be loaded",
    "/statistics/causes": "What goes wrong could not be loaded",
    "/emails": "The last messages could not be loaded",
}


def tell(looker: Looker) -> None:
    """Have everything counted."""
    program = looker.api.scene.posthorn
    feed = program[EventFeed]
    while True:
        changes, position = feed.read()
        if position == feed.position():
            break
        bootstrap.run(program[Outbox].run(SOURCE, changes))
        bootstrap.run(feed.move(position))
    bootstrap.run(program[FoldGroups].run())


def mail(looker: Looker) -> None:
    """Some mail that is delivered, refused and held, and counted."""
    looker.api.scene.egress.will("old@example.com", UNKNOWN)
    sent(looker, 3)
    sent(looker, 1, to="old@example.com")
    deliver(looker)
    held(looker, 2)
    tell(looker)


def test_a_server_without_mail_points_to_the_first_steps(looker: Looker) -> None:
    shown = looker.get("")
    assert shown.status == 200
    shown.has("No mail yet", "Go through the first steps", "Live", "1 domain")
    shown.has("pool default", "of 2.1 GB stored")


def test_figures_charts_and_the_last_messages(looker: Looker) -> None:
    mail(looker)
    shown = looker.get("")
    shown.has(
        "Accepted, 24 hours 6", "Delivered", "Waiting now", "Complaints", "2 messages are held"
    )
    shown.has("Review held messages", "Last messages", "jonas@example.com", "Show as a table")
    assert "<svg" in shown.text
    assert "No mail yet" not in shown.plain


@pytest.mark.parametrize("period", ["hour", "day", "week", "month", "nonsense"])
def test_each_period_is_an_address(looker: Looker, period: str) -> None:
    mail(looker)
    shown = looker.get("", period=period)
    assert shown.status == 200
    assert shown.text.partition("<main")[2].count('aria-current="true"') == 1


@pytest.mark.parametrize("path", PARTS)
def test_a_part_that_cannot_be_had_leaves_the_others(
    looker: Looker, path: str, broken: Callable[..., None]
) -> None:
    mail(looker)
    broken(path)
    shown = looker.get("")
    assert shown.status == 200
    shown.has(PARTS[path])


def test_a_poll_that_has_seen_everything_is_answered_with_nothing(looker: Looker) -> None:
    mail(looker)
    shown = looker.get("")
    seen = shown.text.split("seen=")[1].split('"')[0]
    assert 'hx-trigger="every 30s"' in shown.text
    assert looker.get("", period="day", seen=seen).status == 204
    assert "hx-trigger" not in looker.get("", paused="1").text
    sent(looker)
    assert looker.get("", period="day", seen=seen).status == 200


def test_six_questions_at_most(looker: Looker, monkeypatch: pytest.MonkeyPatch) -> None:
    mail(looker)
    looker.get("")  # what stands around a page is kept for a while
    asked, real = [], Asking.answer

    async def answer(self: Asking, method: str, path: str, **more: object) -> object:
        asked.append(path)
        return await real(self, method, path, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Asking, "answer", answer)
    looker.get("")
    assert len(asked) <= 6, asked


def test_development_mode_says_where_mail_goes(looker: Looker) -> None:
    looker.manage("PATCH", f"/servers/{looker.api.scene.server.full_name}", {"mode": "Development"})
    looker.get("").has("Development mode: mail is held, or goes to the inbox only", "Go live")
    looker.role = VIEWER
    shown = looker.get("")
    assert "Go live" not in shown.plain
    assert "Send a test message" not in shown.plain


def test_hostile_answers_among_the_causes_do_nothing(looker: Looker) -> None:
    answer = TransactionResult(Reply(550, "5.7.1", EVIL), "RCPT")
    looker.api.scene.egress.will("jonas@example.com", answer)
    sent(looker, 1, subject=EVIL)
    deliver(looker)
    tell(looker)
    shown = looker.get("")
    assert "<script>alert" not in shown.text
    assert "\u202e" not in shown.text
