"""Streams from the command line: listed, added, changed and removed."""

from __future__ import annotations

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.tenancy.told_fields import time_text
from chalicelib.ports.clock import Clock
from tests.integration.cli.conftest import Run

DAY = 86_400
SEND = ("send", "--from", "a@demo.example", "--to", "b@example.com", "--text", "x")


def test_streams_are_listed_added_changed_and_removed(demo: Run) -> None:
    made = demo("stream", "add", "news", "--type", "broadcast", "--json")
    assert (made.code, made.json["unsubscribe"]) == (0, True)
    changed = demo("stream", "set", "news", "--no-unsubscribe", "--json")
    assert changed.json["unsubscribe"] is False
    assert demo("stream", "set", "news", "--clear", "unsubscribe", "--json").json == made.json
    listed = demo("stream", "list", "--json").json
    assert [one["name"] for one in listed] == ["transactional", "broadcast", "news"]
    assert "news" in demo("stream", "list").out
    assert demo("stream", "remove", "news").out.strip() == "Removed news."
    gone = demo("stream", "remove", "news")
    assert (gone.code, gone.err.strip()) == (1, "posthorn: There is no such stream.")
    stays = demo("stream", "remove", "broadcast")
    assert (stays.code, stays.out) == (1, "")


def test_the_list_tells_which_rates_hold_a_stream(demo: Run) -> None:
    assert demo("stream", "set", "broadcast", "--complaint-rate-limit", "0.2").code == 0
    lines = [line.split(maxsplit=3) for line in demo("stream", "list").out.splitlines()]
    assert [(one[0], one[3]) for one in lines] == [
        ("NAME", "RATES THAT HOLD"),
        ("transactional", "none of its own"),
        ("broadcast", "0.2 % complaints"),
    ]


def test_a_change_without_options_is_wrong_usage(demo: Run) -> None:
    assert demo("stream", "set", "broadcast").code == 2


def test_a_message_says_how_it_is_to_be_sent(demo: Run, app: Posthorn) -> None:
    now = int(app[Clock].now())
    soon, later, never = (time_text(now + days * DAY) for days in (1, 2, 400))
    options = ("--stream", "broadcast", "--metadata", "order=17", "--metadata", "who=Größe")
    refused = demo(*SEND, *options, "--at", never)
    assert (refused.code, "365 days" in refused.err) == (1, True)
    sent = demo(*SEND, *options, "--at", soon, "--no-unsubscribe", "--json")
    assert sent.code == 0, sent.err
    number = str(sent.json["messages"][0]["id"])
    found = demo("message", "show", number, "--json").json
    assert (found["stream"], found["metadata"]) == ("broadcast", {"order": "17", "who": "Größe"})
    assert found["scheduled_at"] == soon
    again = demo("message", "reschedule", number, later, "--json")
    assert again.json["scheduled_at"] == later
    listed = demo("message", "list", "--status", "scheduled", "--json").json["data"]
    assert [str(one["id"]) for one in listed] == [number]
    assert demo("message", "reschedule", number, "now", "--json").json["scheduled_at"] is None
    over = demo("message", "reschedule", number, "now")
    assert (over.code, over.err.strip()) == (1, f"posthorn: Message {number} is not scheduled.")
    assert demo("message", "reschedule", number, "soon").code == 2
    assert demo(*SEND, "--metadata", "nothing").code == 2
