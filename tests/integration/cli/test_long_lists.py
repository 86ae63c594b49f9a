"""Long lists: a page in a pipe, everything where a person reads or asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.bootstrap import Posthorn, run
from chalicelib.cli import paging
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.messages import MessageStore
from tests.fakes import a_message
from tests.integration.cli.conftest import Run

COUNT = 240


@pytest.fixture
def many(demo: Run, app: Posthorn) -> Run:
    """A server with many messages."""
    for number in range(1, COUNT + 1):
        run(app[MessageStore].create([a_message(ServerId(1), number)]))
    return demo


def ids(page: Any) -> list[int]:
    return [one["id"] for one in page["data"]]


def test_a_pipe_gets_a_page_and_how_to_go_on(many: Run) -> None:
    text = many("message", "list").out
    assert text.count("\n") == 33
    assert "More: --cursor " in text
    first = many("message", "list", "--limit", "150", "--json").json
    assert ids(first) == list(range(COUNT, 90, -1))
    assert first["has_more"] is True
    rest = many("message", "list", "--limit", "500", "--cursor", first["next_cursor"], "--json")
    assert ids(rest.json) == list(range(90, 0, -1))
    assert (rest.json["has_more"], rest.json["next_cursor"]) == (False, None)


def test_all_is_all(many: Run) -> None:
    assert many("message", "list", "--all").out.count("\n") == COUNT + 1
    everything = many("message", "list", "--all", "--json").json
    assert ids(everything) == list(range(COUNT, 0, -1))
    assert everything["has_more"] is False
    assert everything["messages"] == everything["data"]
    none = many("message", "list", "--all", "--status", "held")
    assert none.out.split() == ["ID", "RECEIVED", "STATUS", "TO", "SUBJECT"]


def test_a_terminal_gets_a_pager_only_for_what_is_long(
    many: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    paged: list[str] = []

    def pager(lines: Iterator[str]) -> None:
        paged.extend(lines)

    monkeypatch.setattr(paging.click, "echo_via_pager", pager)
    monkeypatch.setattr(paging, "is_terminal", lambda: True)
    monkeypatch.setattr(
        paging.shutil, "get_terminal_size", lambda *_, **__: os.terminal_size((80, 24))
    )
    assert many("message", "list").out == ""
    assert len(paged) == COUNT + 1
    assert paged[0].startswith("ID")
    assert all(line.endswith("\n") for line in paged)
    paged.clear()
    assert many("audit", "list", "--limit", "3").out.count("\n") == 2
    assert many("message", "list", "--status", "held").out.startswith("ID")
    assert many("message", "list", "--json").json["has_more"] is True
    assert paged == []
