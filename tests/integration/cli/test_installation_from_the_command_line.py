"""The installation is shown, and its notice changed, from the command line."""

from __future__ import annotations

from tests.integration.cli.conftest import Run


def test_a_notice_is_set_shown_and_cleared(posthorn: Run) -> None:
    assert posthorn("installation", "set", "--notice", "Back soon", "--json").json["notice"] == (
        "Back soon"
    )
    shown = posthorn("installation", "show").out
    assert "Back soon" in shown
    assert "v=spf1 include:spf.ph.example -all" in shown
    assert posthorn("installation", "set", "--clear", "notice", "--json").json["notice"] is None
    assert posthorn("installation", "set").code == 2
    assert posthorn("installation", "set", "--notice", "two\nlines").code == 1
