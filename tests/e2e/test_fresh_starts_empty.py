"""POSTHORN_FRESH=1 empties what is ours in the state folder, and nothing else."""

from __future__ import annotations

from tests.e2e.conftest import StartStack
from tests.e2e.stack import message


def test_fresh_forgets_mail_and_keys_but_not_a_strangers_file(start_stack: StartStack) -> None:
    first = start_stack()
    first.submit("gone@example.test", message("gone@example.test"))
    first.arrival("gone@example.test")
    first.advance(3600)
    assert first.stop() == 0
    notes = first.state / "notes.txt"
    notes.write_text("mine")

    second = start_stack({"POSTHORN_FRESH": "1"})
    assert second.inbox("gone@example.test") == []
    assert second.get("/_local/clock")["offset"] == 0
    assert second.facts["server"]["api_key"] != first.facts["server"]["api_key"]
    assert notes.read_text() == "mine"
    assert second.stop() == 0
