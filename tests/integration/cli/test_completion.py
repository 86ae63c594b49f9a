"""The shell completes commands, options, and the servers that the API knows."""

from __future__ import annotations

from click.shell_completion import BashComplete

from chalicelib.bootstrap import Posthorn
from chalicelib.cli.main import command
from chalicelib.cli.session import Session
from tests.integration.cli.conftest import Run


def completed(session: Session, *words: str) -> list[str]:
    """What the last word may become."""
    *before, begun = words
    source = BashComplete(command, {"obj": session}, "posthorn", "_POSTHORN_COMPLETE")
    return [item.value for item in source.get_completions(list(before), begun)]


def test_names_options_and_servers_are_completed(demo: Run, app: Posthorn) -> None:
    demo("server", "create", "Bulk")
    session = Session(open_installation=lambda: app)
    assert completed(session, "organ") == ["organization"]
    assert "verify" in completed(session, "domain", "ver")
    assert "--send-limit" in completed(session, "server", "set", "--send")
    assert completed(session, "server", "show", "demo/b") == ["demo/bulk"]
    assert completed(session, "message", "list", "--server", "demo/") == ["demo/bulk", "demo/demo"]


def test_where_nobody_can_be_asked_nothing_is_completed() -> None:
    def away() -> Posthorn:
        raise OSError

    assert completed(Session(open_installation=away), "server", "show", "d") == []
