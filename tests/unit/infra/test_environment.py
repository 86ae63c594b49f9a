"""The set-up of virtual environments: what makes one sound, when it is made anew, what a failure says."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from infra import environment
from infra.environment import LAYERS, ORIGIN, ROOT, SetupError, ensure, reason, run

LIST = """\
# made up
alpha==1 \\
    --hash=sha256:00
beta[extra]==2 \\
    --hash=sha256:01
pip==26 \\
    --hash=sha256:02 \\
    --hash=sha256:03
    # via chalice
setuptools==84 \\
    --hash=sha256:04
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository root, with a space in its path."""
    root = tmp_path / "a root"
    package = root / "infra/localstack"
    package.mkdir(parents=True)
    for layer in LAYERS.values():
        (root / layer.requirements).write_text(LIST)
    for folder in (root, package):
        (folder / "pyproject.toml").write_text("[project]\n")
    return root


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Commands instead of their execution; making an environment leaves a working link to this Python."""
    done: list[str] = []

    def record(folder: Path, *command: str | Path) -> None:
        done.append(" ".join(map(str, command)))
        if "venv" in command:
            (folder / "bin").mkdir()
            (folder / "bin/python").symlink_to(sys.executable)

    monkeypatch.setattr(environment, "run", record)
    return done


def test_first_call_makes_and_installs_and_the_second_does_nothing(
    root: Path, commands: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ensure("local", root)
    venv, ensurepip, tools, listed, ours = commands
    assert "-m venv" in venv
    assert "-m ensurepip" in ensurepip
    assert tools.endswith(f"--no-deps --require-hashes -r {root}/.venv/posthorn-tools.txt")
    assert listed.endswith(f"--no-build-isolation -r {root}/requirements-local.txt")
    assert ours.endswith(f"--no-build-isolation -e {root}")
    assert "installing 4 packages into .venv …" in capsys.readouterr().out
    commands.clear()
    ensure("local", root)
    assert commands == []
    assert capsys.readouterr().out == ""


def test_what_installs_and_builds_comes_first_with_its_hashes(
    root: Path, commands: list[str]
) -> None:
    ensure("local", root)
    assert (root / ".venv/posthorn-tools.txt").read_text() == (
        "pip==26 \\\n    --hash=sha256:02 \\\n    --hash=sha256:03\n"
        "setuptools==84 \\\n    --hash=sha256:04\n"
    )


def test_the_emulator_gets_an_environment_without_our_package(
    root: Path, commands: list[str]
) -> None:
    ensure("ministack", root)
    assert not any(" -e " in command for command in commands)
    assert (root / ".venv-ministack" / ORIGIN).exists()


def test_new_pins_install_again_without_a_new_environment(root: Path, commands: list[str]) -> None:
    ensure("local", root)
    commands.clear()
    (root / "requirements-local.txt").write_text(LIST + "gamma==3\n")
    ensure("local", root)
    assert len(commands) == 3
    assert not any("-m venv" in command for command in commands)


def test_dev_holds_local(root: Path, commands: list[str]) -> None:
    ensure("dev", root)
    commands.clear()
    ensure("local", root)
    assert commands == []


def move(venv: Path) -> None:
    (venv / ORIGIN).write_text((venv / ORIGIN).read_text().replace(str(venv), "/elsewhere/.venv"))


def another_version(venv: Path) -> None:
    origin = (venv / ORIGIN).read_text()
    (venv / ORIGIN).write_text(origin.rpartition(" ")[0] + " 3.9")


def interpreter_gone(venv: Path) -> None:
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to("/nowhere/python3")


def interrupted(venv: Path) -> None:
    (venv / ORIGIN).unlink()


@pytest.mark.parametrize("harm", [move, another_version, interpreter_gone, interrupted])
def test_an_environment_that_is_not_sound_is_made_anew(
    root: Path, commands: list[str], harm: object
) -> None:
    ensure("local", root)
    commands.clear()
    assert callable(harm)
    harm(root / ".venv")
    ensure("local", root)
    assert len(commands) == 5


def test_two_at_once_install_once(root: Path, commands: list[str]) -> None:
    threads = [threading.Thread(target=ensure, args=("local", root)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(commands) == 5


def test_a_failure_says_why_and_where_the_rest_is(tmp_path: Path) -> None:
    say = "print('Collecting alpha'); print('ERROR: No room for alpha'); raise SystemExit(1)"
    with pytest.raises(SetupError) as failed:
        run(tmp_path, sys.executable, "-c", say)
    log = tmp_path / "setup.log"
    assert str(failed.value) == (
        f"{tmp_path.name} was not set up: ERROR: No room for alpha (more in {log})"
    )
    assert log.read_text().startswith("Collecting alpha\n")


RETRY = (
    "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by"
    " 'NameResolutionError(\"Name or service not known\")': /simple/pip/"
)
MISSING = "ERROR: No matching distribution found for pip==26"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES.\n    six==1 from x:\n"
            "        Expected sha256 00\n             Got        01\n\n",
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES. six==1 from x: Expected sha256 00 Got 01",
        ),
        (
            "Collecting pip\nERROR: Could not find a version that satisfies the requirement pip==26"
            f" (from versions: 24.0, 25.0)\n{MISSING}\n",
            f"ERROR: Could not find a version that satisfies the requirement pip==26 {MISSING}",
        ),
        (
            f"{RETRY}\nERROR: Could not find a version (from versions: none)\n{MISSING}\n",
            f"{RETRY.partition(' after ')[2]} ERROR: Could not find a version {MISSING}",
        ),
        (f"{RETRY}\nERROR: something else\n", "ERROR: something else"),
        (
            "ERROR: No room\nTraceback (most recent call last):\n  File x\nCalledProcessError: pip\n",
            "ERROR: No room",
        ),
        (
            "ERROR: Exception:\nTraceback (most recent call last):\n  File x\nOSError: no room\n",
            "OSError: no room",
        ),
        ("\n", "no word"),
    ],
)
def test_the_reason_is_what_the_program_said(said: str, expected: str) -> None:
    assert reason(said) == expected


def test_missing_ensurepip_names_the_package(
    root: Path, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = environment.run

    def without(folder: Path, *command: str | Path) -> None:
        if "ensurepip" in command:
            raise SetupError("python: No module named ensurepip")
        record(folder, *command)

    monkeypatch.setattr(environment, "run", without)
    with pytest.raises(SetupError, match=r"install the Debian package python3\.\d+-venv"):
        ensure("local", root)


def test_unknown_layer_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert environment.main(["nonsense"]) == 2
    assert "usage" in capsys.readouterr().err


def test_a_layer_of_one_python_version_is_made_by_that(
    root: Path, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "find_python", lambda version: f"/opt/python{version}")
    ensure("localstack", root)
    assert commands[0].startswith("/opt/python3.13 ")
    assert (root / ".venv-localstack" / ORIGIN).read_text().endswith(" 3.13")
    commands.clear()
    ensure("localstack", root)
    assert commands == []
    (root / "infra/localstack/plugin.py").write_text("changed = True\n")
    ensure("localstack", root)
    assert len(commands) == 3


def test_a_python_version_that_is_nowhere_is_one_sentence_and_its_own_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HOME", "PYENV_ROOT", "PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("PYTHON313", raising=False)
    monkeypatch.setattr(environment, "BASE", "/nowhere/python3")
    assert environment.main(["localstack"]) == environment.NO_SUCH_PYTHON
    assert capsys.readouterr().err == (
        "posthorn: Python 3.13 is needed and was not found; install it or name it with"
        " PYTHON313=/path/to/python3.13.\n"
    )
    monkeypatch.setenv("PYTHON313", "/nowhere/python3")
    assert environment.main(["localstack"]) == environment.NO_SUCH_PYTHON
    assert "which is no working Python 3.13" in capsys.readouterr().err


def test_localstack_without_its_python_is_one_sentence_before_anything_is_installed() -> None:
    command = ["make", "run", "LOCALSTACK=1", f"PYTHON={sys.executable}"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHON313": "/nowhere/python"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    sentence, of_make = done.stderr.splitlines()
    assert sentence == "posthorn: PYTHON313 names /nowhere/python, which is no working Python 3.13."
    assert of_make.endswith("Error 1")
