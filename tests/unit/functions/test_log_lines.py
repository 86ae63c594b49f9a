"""What services log comes out as one JSON line with its fields, without values from a stack."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from typing import TYPE_CHECKING

from functions.api import app
from functions.log_lines import counted, log_as_json, log_for_people, write_line

if TYPE_CHECKING:
    import pytest


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_fields_become_names_of_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    log_as_json()
    log_as_json()
    logging.getLogger("posthorn.attempt").info("attempt", extra={"fields": {"server_id": 7}})
    (line,) = lines_of(capsys)
    assert isinstance(line.pop("time"), float)
    assert line == {
        "unit": "posthorn.attempt",
        "level": "info",
        "text": "attempt",
        "server_id": 7,
    }


def test_an_error_is_told_by_its_class_and_place_without_its_values(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_as_json()
    try:
        raise ValueError("hello@demo.test")
    except ValueError:
        logging.getLogger("posthorn.attempt").exception("attempt broke")
    (line,) = lines_of(capsys)
    assert line["error"] == "ValueError"
    assert "hello@demo.test" not in json.dumps(line)
    assert "test_log_lines.py" in json.dumps(line["stack"])


def test_lines_of_one_turn_leave_together_and_warnings_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log_as_json()
    flushes: list[int] = []

    class Out(io.StringIO):
        def flush(self) -> None:
            flushes.append(self.getvalue().count("\n"))

    monkeypatch.setattr(sys, "stdout", Out())
    logger = logging.getLogger("posthorn.attempt")

    async def turns() -> None:
        logger.info("one")
        logger.info("two")
        assert not flushes
        await asyncio.sleep(0)
        logger.info("three")
        await asyncio.sleep(0)
        logger.warning("four")
        assert flushes == [2, 3, 4]

    asyncio.run(turns())
    logger.info("five")
    assert flushes == [2, 3, 4, 5]


def test_the_level_says_what_is_written_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    log_as_json({"POSTHORN_LOG_LEVEL": "warning"})
    try:
        logging.getLogger("posthorn.attempt").info("attempt")
        write_line({"unit": "sweep", "level": "info"})
        before = counted.copy()
        logging.getLogger("posthorn.attempt").warning("batch left")
        logging.getLogger("posthorn.dead_letters").error("dead letter")
        write_line({"unit": "sweep", "level": "error"})
    finally:
        log_as_json({})
    assert [line["level"] for line in lines_of(capsys)] == ["warning", "error", "error"]
    assert counted - before == {"warning": 1, "error": 2, "dead_letters": 1}


def test_a_person_reads_text_that_no_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    log_as_json({})
    log_for_people(are_there=True)
    try:
        write_line({"time": 3.25, "level": "info", "unit": "sweep", "outcome": "ok", "ms": 1.5})
        write_line({"time": 3.25, "level": "info", "unit": "web", "error": "\x1b[2J\nforged"})
    finally:
        log_for_people(are_there=False)
    plain, hostile = capsys.readouterr().out.splitlines()
    assert plain == "00:00:03.250 info sweep ok ms=1.5"
    assert hostile == '00:00:03.250 info web error="\\u001b[2J\\nforged"'


def test_loading_the_app_silences_nobody() -> None:
    assert app.app_name == "posthorn"
    assert logging.getLogger("posthorn.attempt").isEnabledFor(logging.WARNING)
    assert logging.getLogger("posthorn").propagate
