"""Streams from the command line: listed, added, changed and removed."""

from __future__ import annotations

from tests.integration.cli.conftest import Run


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


def test_a_change_without_options_is_wrong_usage(demo: Run) -> None:
    assert demo("stream", "set", "broadcast").code == 2
