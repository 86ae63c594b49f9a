"""No page without its row in the table of states, and no row that names a test which is not there."""

from __future__ import annotations

import re
from pathlib import Path

from chalicelib.web.routes import ROWS
from tests.web import mail_states
from tests.web.states import states

HERE = Path(__file__).parent
# They show nothing by themselves: they lead on, or give a file.
LEAD_ON: frozenset[str] = mail_states.LEAD_ON


def test_every_page_has_its_states() -> None:
    pages = {row.pattern for row in ROWS if row.method == "GET"} - LEAD_ON
    assert pages == states().keys()


def test_every_state_has_its_test() -> None:
    there = {
        name
        for file in HERE.glob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    named = {test for of in states().values() for test in of.values()} - {"-"}
    assert named - there == set()
