"""The set-up of virtual environments: what makes one sound, when it is made anew, what a failure says."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest

from infra import environment
from infra.environment import LAYERS, ORIGIN, Environment, Layer, SetupError, ensure, layer_key

LAYER = Layer(".venv", "requirements-local.txt")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository root, with a space in its path."""
    root = tmp_path / "a root"
    root.mkdir()
    for layer in LAYERS.values():
        (root / layer.requirements).write_text(
            "# made up\nalpha==1\nbeta==2 \\\n    --hash=sha256:00\n"
        )
    (root / "pyproject.toml").write_text("[project]\n")
    return root


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands instead of their execution; making an environment leaves a working link to this Python."""
    run: list[list[str]] = []

    def record(place: Environment, command: list[str], _failure: str) -> None:
        run.append(command)
        if "venv" in command:
            place.python.parent.mkdir()
            place.python.symlink_to(sys.executable)

    monkeypatch.setattr(Environment, "_logged", record)
    return run


def made(commands: list[list[str]]) -> int:
    return sum("venv" in command for command in commands)


def test_first_call_makes_and_installs_and_the_second_does_nothing(
    root: Path, commands: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    ensure("local", root)
    assert [("venv" in command, "-e" in command) for command in commands] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    assert "installing 2 packages into .venv …" in capsys.readouterr().out
    commands.clear()
    ensure("local", root)
    assert commands == []
    assert capsys.readouterr().out == ""


def test_the_emulator_gets_an_environment_without_our_package(
    root: Path, commands: list[list[str]]
) -> None:
    ensure("ministack", root)
    assert not any("-e" in command for command in commands)
    assert (root / ".venv-ministack" / ORIGIN).exists()


def test_new_pins_install_again_without_a_new_environment(
    root: Path, commands: list[list[str]]
) -> None:
    ensure("local", root)
    commands.clear()
    (root / LAYER.requirements).write_text("alpha==2\n")
    ensure("local", root)
    assert made(commands) == 0
    assert len(commands) == 2


def test_dev_holds_local(root: Path, commands: list[list[str]]) -> None:
    ensure("dev", root)
    commands.clear()
    ensure("local", root)
    assert commands == []


@pytest.mark.parametrize("change", [{"path": "/elsewhere/.venv"}, {"python": "3.9"}])
def test_moved_or_made_by_another_python_is_made_anew(
    root: Path, commands: list[list[str]], change: dict[str, str]
) -> None:
    ensure("local", root)
    origin = root / ".venv" / ORIGIN
    origin.write_text(json.dumps(json.loads(origin.read_text()) | change))
    ensure("local", root)
    assert made(commands) == 2


def test_a_python_that_is_gone_is_made_anew(root: Path, commands: list[list[str]]) -> None:
    ensure("local", root)
    python = root / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    ensure("local", root)
    assert made(commands) == 2


def test_an_interrupted_set_up_is_made_anew(root: Path, commands: list[list[str]]) -> None:
    (root / ".venv").mkdir()
    ensure("local", root)
    assert made(commands) == 1


def test_two_at_once_install_once(root: Path, commands: list[list[str]]) -> None:
    threads = [threading.Thread(target=ensure, args=("local", root)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made(commands) == 1
    assert len(commands) == 3


def test_the_key_follows_pins_and_project(root: Path) -> None:
    before = layer_key(root, LAYER)
    (root / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert layer_key(root, LAYER) != before


def test_failed_install_shows_the_end_of_the_log(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Environment(root, ".venv")
    place.path.mkdir()
    noise = "for n in range(50): print(n)\nraise SystemExit(1)"
    with pytest.raises(SetupError, match=r"^no index\? \(full log: \.venv/pip\.log\)$"):
        place._logged([sys.executable, "-c", noise], "no index?")
    assert capsys.readouterr().err.split() == [str(n) for n in range(30, 50)]


def test_full_disk_is_named(root: Path) -> None:
    place = Environment(root, ".venv")
    place.path.mkdir()
    say = "print('OSError: [Errno 28] No space left on device'); raise SystemExit(1)"
    with pytest.raises(SetupError, match="no room left on the disk"):
        place._logged([sys.executable, "-c", say], "no index?")


def test_missing_ensurepip_names_the_package(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "find_spec", lambda _: None)
    with pytest.raises(SetupError, match=r"install the Debian package python3\.\d+-venv"):
        ensure("local", root)


def test_unknown_layer_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert environment.main(["nonsense"]) == 2
    assert "usage" in capsys.readouterr().err


def test_a_layer_of_one_python_version_is_made_by_that(
    root: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = root / "infra/localstack"
    package.mkdir(parents=True)
    (package / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(environment, "find_python", lambda version: f"/opt/python{version}")
    monkeypatch.setattr(environment, "can_make_environments", lambda maker: True)
    ensure("localstack", root)
    assert commands[0][0] == "/opt/python3.13"
    origin = json.loads((root / ".venv-localstack" / ORIGIN).read_text())
    assert origin["python"] == "3.13"
    commands.clear()
    ensure("localstack", root)
    assert commands == []
    (package / "plugin.py").write_text("changed = True\n")
    ensure("localstack", root)
    assert len(commands) == 2


def test_a_python_version_that_is_nowhere_is_one_sentence_and_its_own_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HOME", "PYENV_ROOT", "PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("PYTHON313", raising=False)
    assert environment.main(["localstack"]) == environment.NO_SUCH_PYTHON
    assert capsys.readouterr().err == (
        "posthorn: Python 3.13 is needed and was not found; install it or name it with"
        " PYTHON313=/path/to/python3.13.\n"
    )
    monkeypatch.setenv("PYTHON313", sys.executable)
    if sys.version_info[:2] != (3, 13):
        assert environment.main(["localstack"]) == environment.NO_SUCH_PYTHON
        assert "which is no working Python 3.13" in capsys.readouterr().err
