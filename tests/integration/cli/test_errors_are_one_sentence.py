"""Whatever goes wrong, the command says one sentence on standard error and ends with the right code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chalicelib.bootstrap import Posthorn
from chalicelib.cli.main import main
from chalicelib.cli.session import Session
from chalicelib.cli.stack import AWS_VARIABLES
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.ports.repository import Repository
from infra.local.folder import write_private
from tests.integration.cli.conftest import Run


@pytest.mark.parametrize(
    "arguments",
    [
        ("organization", "show", "nobody"),
        ("server", "show", "no/body"),
        ("server", "create", "Mail", "--organization", "nobody"),
        ("server", "create", "Mail", "--retry-schedule", "whenever"),
        ("domain", "add", "not a domain"),
        ("domain", "show", "other.example"),
        ("credential", "revoke", "nothing"),
        ("message", "show", "99"),
        ("message", "show", "0"),
        ("message", "show", "not-a-message"),
        ("message", "raw", "99"),
        ("message", "release", "99"),
        ("organization", "create", "Demo", "--permalink", "demo"),
        ("organization", "create", "\x1b[2J"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(demo: Run, arguments: tuple[str, ...]) -> None:
    outcome = demo(*arguments)
    assert outcome.code == 1
    assert outcome.out == ""
    assert outcome.err.startswith("posthorn: ")
    assert outcome.err.count("\n") == 1
    assert outcome.err.endswith(".\n")
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("server",),
        ("nothing",),
        ("server", "create"),
        ("server", "show", "no-slash"),
        ("server", "set", "--send-limit", "many"),
        ("credential", "create", "x", "--kind", "telnet"),
        ("message", "list", "--limit", "0"),
        ("message", "list", "--flag", "held", "--to", "a@b.example"),
        ("send", "--to", "a@b.example", "--text", "x"),
    ],
)
def test_wrong_usage_ends_with_two(demo: Run, arguments: tuple[str, ...]) -> None:
    outcome = demo(*arguments)
    assert outcome.code == 2
    assert "Traceback" not in outcome.err


def test_one_of_several_servers_is_named_as_the_command_takes_it(demo: Run) -> None:
    demo("server", "create", "Other")
    assert demo("server", "show").err.endswith(
        "say which one with ORG/SERVER behind the command.\n"
    )
    assert demo("message", "list").err.endswith("say which one with --server.\n")


def test_help_needs_no_installation(capsys: pytest.CaptureFixture[str]) -> None:
    def never() -> Posthorn:
        raise AssertionError("opened")

    for arguments in (["--help"], ["message", "--help"], ["message", "show", "-h"]):
        assert main(arguments, Session(open_installation=never)) == 0
        assert "Usage: posthorn" in capsys.readouterr().out


def test_what_nobody_foresaw_is_a_sentence_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Posthorn:
        raise KeyError("secret-key")

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nowhere.invalid")
    monkeypatch.delenv("POSTHORN_DEBUG", raising=False)
    assert main(["organization", "list"], Session(open_installation=broken)) == 1
    text = capsys.readouterr().err
    assert text.startswith("posthorn: Something unforeseen went wrong (KeyError)")
    assert "secret-key" not in text
    monkeypatch.setenv("POSTHORN_DEBUG", "1")
    with pytest.raises(KeyError):
        main(["organization", "list"], Session(open_installation=broken))


def test_a_store_that_is_away_is_said(
    demo: Run, app: Posthorn, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> list[object]:
        raise TemporaryFailure("The account store cannot be reached")

    monkeypatch.setattr(app[Repository], "all", away)
    outcome = demo("organization", "list")
    assert (outcome.code, outcome.err) == (1, "posthorn: The account store cannot be reached.\n")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without AWS and a state folder without a stack."""
    for name in AWS_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("POSTHORN_STATE", str(tmp_path))
    return tmp_path


def test_without_a_stack_it_says_how_to_get_one(
    nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["server", "list"], Session()) == 1
    text = capsys.readouterr().err
    assert "make run" in text
    assert text.count("\n") == 1


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"server": 1, "smtp": 2}', "\x00"])
def test_a_broken_stack_file_is_said(
    nowhere: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    write_private(nowhere / "stack.json", content)
    assert main(["server", "list"], Session()) == 1
    assert "does not describe a running local stack" in capsys.readouterr().err


def test_a_named_stack_file_that_is_missing_is_said(
    nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--stack", str(nowhere / "x.json"), "server", "list"], Session()) == 1
    assert "There is no local stack described in" in capsys.readouterr().err


def test_the_stack_file_configures_the_installation(
    nowhere: Path, app: Posthorn, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    facts = {
        "http": "http://127.0.0.1:8000",
        "aws": "http://127.0.0.1:4599",
        "smtp": {"host": "127.0.0.1", "mx": 2525, "submission": 2587, "submissions": 2465},
        "dns": "127.0.0.1:5354",
        "server": {
            "from": "hello@demo.test",
            "api_key": "k",
            "smtp_username": "demo/demo",
            "smtp_key": "s",
        },
        "environment": {"POSTHORN_RETURN_PATH_DOMAIN": "rp.local.test"},
    }
    write_private(nowhere / "stack.json", json.dumps(facts))
    before = dict(os.environ)
    seen: dict[str, str] = {}

    def opened() -> Posthorn:
        seen.update(os.environ)
        return app

    try:
        assert main(["--local", "organization", "list"], Session(open_installation=opened)) == 0
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert seen["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4599"
    assert seen["POSTHORN_DNS_SERVER"] == "127.0.0.1:5354"
    assert seen["POSTHORN_RETURN_PATH_DOMAIN"] == "rp.local.test"
    assert seen["POSTHORN_CLOCK_FILE"] == str(nowhere / "clock")


def test_a_setting_that_cannot_be_read_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nowhere.invalid")
    monkeypatch.setenv("POSTHORN_HOLD_DAYS", "a week")
    assert main(["organization", "list"], Session()) == 1
    assert capsys.readouterr().err == (
        "posthorn: POSTHORN_HOLD_DAYS must be a whole number, not 'a week'.\n"
    )
