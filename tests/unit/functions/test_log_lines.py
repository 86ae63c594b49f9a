"""What services log comes out as one JSON line with its fields, without values from a stack."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from functions.api import app
from functions.log_lines import log_as_json

if TYPE_CHECKING:
    import pytest


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_fields_become_names_of_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    log_as_json()
    log_as_json()
    logging.getLogger("posthorn.attempt").info("attempt", extra={"fields": {"server_id": 7}})
    assert lines_of(capsys) == [
        {"unit": "posthorn.attempt", "level": "info", "text": "attempt", "server_id": 7}
    ]


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


def test_loading_the_app_silences_nobody() -> None:
    assert app.app_name == "posthorn"
    assert logging.getLogger("posthorn.attempt").isEnabledFor(logging.WARNING)
    assert logging.getLogger("posthorn").propagate
