"""The command on the storage of one host and of AWS: the same commands, and the same entries in the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.cli.main import main
from chalicelib.cli.session import Session
from tests.aws_backend import aws_backend, aws_settings
from tests.http_api import ApiWorld
from tests.integration.api.test_v2_domains import api
from tests.integration.cli.conftest import Outcome

__all__ = ["api", "aws_backend", "aws_settings"]


@pytest.fixture
def local(
    api: ApiWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Runs a command with --json on the storage behind an API; what it printed."""
    monkeypatch.setenv("POSTHORN_STATE_FOLDER", "what the test opens")
    monkeypatch.setattr("functions.runtime.write_line", lambda _line: None)

    def run_command(*arguments: str) -> Any:
        session = Session(open_installation=lambda: api.scene.posthorn)
        code = main(("--local", "--json", *arguments), session)
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return Outcome(code, captured.out, captured.err).json

    return run_command


def test_what_it_changes_the_api_shows(local: Callable[..., Any], api: ApiWorld) -> None:
    made = local("server", "create", "Shop", "--organization", "acme", "--send-limit", "5")
    assert api.manage("GET", "/servers/acme/shop").json == made
    key = local("credential", "create", "web", "--kind", "API", "--server", "acme/shop")["key"]
    assert api.v2("GET", "/emails", key=key).json["data"] == []
    local("domain", "add", "shop.test", "--server", "acme/shop", "--incoming")
    local("domain", "trust", "shop.test", "--server", "acme/shop")
    sent = local(
        "send", "--server", "acme/shop", "--from", "a@shop.test", "--to", "b@example.com",
        "--text", "Hi",
    )  # fmt: skip
    shown = api.v2("GET", f"/emails/{sent['id']}", key=key).json
    assert (shown["to"], shown["credential"]) == ("b@example.com", "operator")
    raw = local("message", "raw", str(sent["id"]), "--server", "acme/shop")
    assert raw["size"] == shown["size"]
    entries = local("audit", "list", "--organization", "acme", "--all")["data"]
    ours = [one for one in entries if one["tenant"] == "acme/shop"]
    assert {one["actor"]["kind"] for one in ours} == {"system"}
    assert local("audit", "verify", "--organization", "acme")["entries"] == len(entries)
