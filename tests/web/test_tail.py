"""The live tail: rows alone by a cursor, nothing told as nothing, hostile events, without script."""

from __future__ import annotations

import html
import re

from tests.web.looking import Looker, Shown
from tests.web.test_message import deliver
from tests.web.test_messages import EVIL, sent
from tests.web.test_overview import tell


def poll(looker: Looker, shown: Shown) -> Shown:
    """What the page asks for next."""
    found = re.search(r'hx-get="([^"]+)"', shown.text)
    assert found, shown.plain
    return looker.get(f"/{html.unescape(found[1])}")


def happen(looker: Looker, **changes: str) -> None:
    """One message is sent, and that is told."""
    sent(looker, 1, **changes)
    deliver(looker)
    tell(looker)
    looker.api.scene.clock.advance(6)


def test_nothing_yet_says_since_when(looker: Looker) -> None:
    shown = looker.get("/tail")
    shown.has("Listening. Nothing has happened since 08:00:00")
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in shown.text
    assert poll(looker, shown).status == 204


def test_what_happens_comes_as_rows_alone(looker: Looker) -> None:
    shown = looker.get("/tail")
    happen(looker)
    rows = poll(looker, shown)
    assert rows.status == 200
    rows.has("Delivered", "jonas@example.com", "Your order", "Listening")
    assert "<html" not in rows.text
    assert "<main" not in rows.text
    assert poll(looker, rows).status == 204
    looker.get("/tail").has("Delivered")


def test_only_events_of_a_type(looker: Looker) -> None:
    happen(looker)
    looker.get("/tail", type="email.held").has("Nothing has happened")
    looker.get("/tail", type="email.delivered").has("Delivered")
    assert looker.get("/tail", type="<b>").status == 200


def test_paused_it_asks_for_nothing(looker: Looker) -> None:
    happen(looker)
    shown = looker.get("/tail", paused="1")
    shown.has("Delivered", "Go on")
    assert "hx-get" not in shown.text.partition("<main")[2]


def test_a_cursor_that_has_ended_goes_on_from_now(looker: Looker) -> None:
    shown = looker.get("/tail/rows", cursor="forged")
    assert shown.status == 200
    assert "hx-get" in shown.text


def test_hostile_events_do_nothing(looker: Looker) -> None:
    happen(looker, subject=EVIL)
    shown = looker.get("/tail")
    assert "<script>alert" not in shown.text
    assert "\u202e" not in shown.text


def test_many_events_are_a_bounded_page(looker: Looker) -> None:
    sent(looker, 120)
    deliver(looker)
    tell(looker)
    looker.api.scene.clock.advance(6)
    shown = looker.get("/tail")
    assert shown.text.partition("<tbody")[2].count("<tr>") == 80
