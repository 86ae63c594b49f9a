"""The command `posthorn` on one host: it works on a state folder, and loads what it does not need only when used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.cli.loading import OF_THE_API, LoadedLater
from chalicelib.cli.stack import find_stack
from onehost.main import HOST_COMMANDS, command
from tests.integration.onehost.conftest import Run


@pytest.mark.parametrize("how", ["option", "variable", "file"])
def test_it_works_on_the_state_folder_that_is_named(
    posthorn: Run, state: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: tuple[str, ...] = ()
    if how == "option":
        arguments = ("--state", str(state))
    elif how == "variable":
        monkeypatch.setenv("POSTHORN_STATE_FOLDER", str(state))
    else:
        file = state.parent / "posthorn.toml"
        file.write_text(f'state_folder = "{state}"\n')
        arguments = ("--config", str(file))
    assert posthorn(*arguments, "organization", "create", "Acme").code == 0
    (found,) = posthorn(*arguments, "organization", "list", "--json").json
    assert found["permalink"] == "acme"
    assert (state / "control.db").exists()


def test_a_state_folder_comes_before_aws(
    posthorn: Run, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nowhere.invalid")
    assert posthorn("--state", str(state), "organization", "list").code == 0
    assert find_stack({"POSTHORN_STATE_FOLDER": str(state)}, None) is None


def test_a_state_folder_of_the_command_line_comes_before_an_api_of_the_environment(
    posthorn: Run, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTHORN_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("POSTHORN_MANAGEMENT_KEY", "phm_x")
    assert posthorn("--state", str(state), "organization", "list").code == 0
    monkeypatch.setenv("POSTHORN_STATE_FOLDER", str(state))
    away = posthorn("organization", "list")
    assert (away.code, "--local" in away.err) == (1, True)
    assert posthorn("--local", "organization", "list").code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mx_prt = 25", "did you mean 'mx_port'?"),
        ("hold_days = 0", "POSTHORN_HOLD_DAYS must be from 1 to 3650, not 0."),
    ],
)
def test_settings_that_cannot_be_read_are_one_sentence(
    posthorn: Run, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "posthorn.toml"
    file.write_text(f'state_folder = "{tmp_path / "state"}"\n{text}\n')
    outcome = posthorn("--config", str(file), "organization", "list")
    assert outcome.code == 1
    assert said in outcome.err
    assert outcome.err.startswith("posthorn: ")
    assert outcome.err.count("\n") == 1


def test_help_loads_no_command_of_the_host_and_no_store() -> None:
    program = (
        "import sys; from onehost.main import main; main(['--help']);"
        "print([name for name in sys.modules if name.startswith(('apsw', 'uvicorn', 'botocore', 'cryptography',"
        " 'asyncio', 'http', 'ssl', 'chalicelib.services', 'onehost.setup', 'onehost.doctor', 'onehost.storage',"
        " 'onehost.move'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_commands_of_the_host_are_where_the_table_says() -> None:
    present = {name for name, *_ in (*OF_THE_API, *HOST_COMMANDS) if name in command.commands}
    assert present >= {name for name, *_ in OF_THE_API}
    for name in present:
        later = command.commands[name]
        assert isinstance(later, LoadedLater)
        assert later.loaded.name == name
        assert later.loaded.get_short_help_str(200).startswith((later.help or "").rstrip("."))
