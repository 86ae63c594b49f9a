"""What is installed on one host: systemd units that verify, an image whose files are enough, a wheel that has all."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from chalicelib.config import Settings
from gateway.configuration import Role
from infra import install
from infra.environment import SetupError
from onehost.listeners import HTTP
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "infra" / "onehost"
DOCKERFILE = (FILES / "Dockerfile").read_text()
SERVICE = (FILES / "posthorn.service").read_text()
SOCKETS = {path.name: path.read_text() for path in FILES.glob("*.socket")}
PYPROJECT = (ROOT / "pyproject.toml").read_text()


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def run(*command: str | Path, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE, **more
    )  # type: ignore[call-overload,no-any-return]  # passed through


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is absent")
def test_the_units_verify(tmp_path: Path) -> None:
    program = tmp_path / "opt" / "current" / "bin" / "posthorn"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    install.render_units(tmp_path / "systemd", tmp_path / "opt")
    units = sorted((tmp_path / "systemd").iterdir())
    assert len(units) == 9
    done = run("systemd-analyze", "verify", "--man=no", *units)
    ours = [
        line for line in done.stderr.splitlines() if "posthorn" in line or str(tmp_path) in line
    ]
    assert (done.returncode, ours) == (0, [])


def test_files_for_other_programs_come_along(tmp_path: Path) -> None:
    install.render_files_for_others(tmp_path, Path("/srv/mail"))
    for source, there in {
        FILES / "Caddyfile": "etc/caddy/Caddyfile",
        **{file: f"etc/fail2ban/{file.relative_to(FILES / 'fail2ban')}" for file in of("fail2ban")},
        **{file: f"hooks/{file.name}" for file in of("hooks")},
        **{file: f"etc/prometheus/{file.name}" for file in of("../prometheus")},
    }.items():
        wanted = source.read_text().replace("/opt/posthorn", "/srv/mail")
        assert (tmp_path / there).read_text() == wanted
    hook = tmp_path / "hooks/posthorn-certificate"
    assert "/srv/mail/current/bin/posthorn" in hook.read_text()
    assert os.access(hook, os.X_OK)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) >= 6


def of(folder: str) -> list[Path]:
    found = [path for path in (FILES / folder).rglob("*") if path.is_file()]
    assert found
    return found


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is absent")
def test_a_unit_that_is_wrong_does_not_verify(tmp_path: Path) -> None:
    (tmp_path / "posthorn.service").write_text("[Service]\nExecStart=/nowhere/posthorn serve\n")
    assert run("systemd-analyze", "verify", tmp_path / "posthorn.service").returncode != 0


def test_the_backup_is_as_narrow_as_the_service_and_comes_last() -> None:
    def lines(text: str) -> set[str]:
        section = text.partition("[Service]")[2].partition("[Install]")[0]
        return {line for line in section.splitlines() if "=" in line and line[0] != "#"}

    backup = (FILES / "posthorn-backup.service").read_text()
    own = re.compile(
        r"(Type|Notify|Exec|Restart|Watchdog|Timeout|Kill|Limit|Memory|Ambient|Capability)"
    )
    assert {line for line in lines(SERVICE) - lines(backup) if not own.match(line)} == set()
    assert {"CapabilityBoundingSet=", "Nice=19", "IOSchedulingClass=idle"} <= lines(backup)
    assert "#LoadCredential=key:/etc/posthorn/key" in backup
    assert "ExecStart=/opt/posthorn/current/bin/posthorn backups run" in backup
    assert "Persistent=true" in (FILES / "posthorn-backup.timer").read_text()


def test_each_listener_has_its_socket() -> None:
    names = {
        re.findall(r"^FileDescriptorName=(\w+)$", text, re.MULTILINE)[0]
        for text in SOCKETS.values()
    }
    assert names == {*Role, HTTP}
    assert SOCKETS.keys() == {f"posthorn-{name}.socket" for name in names}
    for line in ("Requires=", "Also="):
        (named,) = re.findall(rf"^{line}(.+)$", SERVICE, re.MULTILINE)
        assert set(named.split()) == SOCKETS.keys()


def test_the_service_waits_until_what_is_in_hand_is_done() -> None:
    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", SERVICE, re.MULTILINE)
    settings = Settings()
    assert int(seconds) > settings.deadline_seconds + settings.settle_seconds + 30


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The folder /app of the image."""
    app = tmp_path / "app"
    app.mkdir()
    for source, target in re.findall(r"^COPY (\S+) (\S+)$", DOCKERFILE, re.MULTILINE):
        if (ROOT / source).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / source, app / target, ignore=ignored)
        else:
            shutil.copy(ROOT / source, app / source)
    return app


def test_the_files_of_the_image_are_enough(image: Path) -> None:
    settings = dict(re.findall(r"(POSTHORN_\w+)=(\S+)", DOCKERFILE))
    state = image.parent / "state"
    environment = {
        "PATH": os.environ["PATH"],
        **settings,
        "POSTHORN_STATE_FOLDER": str(state),
        "POSTHORN_DNS_SERVER": "127.0.0.1:1",
    }
    (entry,) = re.findall(r'^ENTRYPOINT \["python", "-m", "(\w+)"\]$', DOCKERFILE, re.MULTILINE)
    program = [sys.executable, "-P", "-c", bare(image), entry]
    made = run(*program, "init", "--json", cwd=image, env=environment)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["new"]
    nobody = ("--mx", "127.0.0.1:1", "--time-from", "127.0.0.1:1")
    found = run(*program, "doctor", "--json", *nobody, cwd=image, env=environment)
    assert json.loads(found.stdout)["ok"] is False, found.stderr
    status = run(*program, "status", "--json", cwd=image, env=environment)
    assert json.loads(status.stdout)["serving"] is False, status.stderr
    help_text = run(*program, "serve", "--help", cwd=image, env=environment)
    assert "Take and deliver mail" in help_text.stdout, help_text.stderr


def bare(folder: Path) -> str:
    """A program that runs a package of a folder: the repository itself, installed or not, is not on the path."""
    return (
        f"import runpy, sys; sys.path[:] = [{str(folder)!r}] + [path for path in sys.path if path and"
        f" not path.startswith({str(ROOT)!r}) or 'site-packages' in path];"
        "sys.meta_path[:] = [one for one in sys.meta_path if 'editable' not in getattr(one, '__module__', '')"
        " and 'editable' not in getattr(one, '__name__', '').lower()];"
        "name = sys.argv.pop(1); runpy.run_module(name, run_name='__main__', alter_sys=True)"
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as `make install` and pipx build it."""
    folder = tmp_path_factory.mktemp("wheel")
    install.copy_sources(folder / "sources")
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q")
    done = run(*pip, "--wheel-dir", folder, folder / "sources")
    assert done.returncode == 0, done.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.slow
def test_the_wheel_has_what_the_program_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for package, folder in {
        "chalicelib": ROOT,
        "functions": ROOT,
        "onehost": ROOT,
        "gateway": ROOT / "smtp-gateway",
        "posthorn_client": ROOT / "clients" / "python",
    }.items():
        files = (path for path in (folder / package).rglob("*") if path.is_file())
        wanted = {
            str(path.relative_to(folder)) for path in files if "__pycache__" not in path.parts
        }
        assert wanted - names == set()
    assert not [name for name in names if name.startswith(("tests", "bench", "docs"))]


@pytest.mark.slow
def test_the_wheel_has_the_command(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    (entries,) = tmp_path.glob("*.dist-info/entry_points.txt")
    assert "posthorn = onehost.main:main" in entries.read_text()
    done = run(sys.executable, "-P", "-c", bare(tmp_path), "onehost", "--help", cwd=tmp_path)
    assert "doctor" in done.stdout, done.stderr


def test_what_the_wheel_asks_for_is_pinned_and_is_all() -> None:
    asked = dict(re.findall(r'^  "([a-z0-9-]+)(?:\[\w+\])?==([\d.]+)",$', PYPROJECT, re.MULTILINE))
    locked = (ROOT / "requirements-local.txt").read_text()
    pinned = re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[\w,]+\])?==(\S+)", locked, re.MULTILINE)
    assert asked.items() <= {plain(name): version for name, version in pinned}.items()
    homes = packages_distributions()
    needed = set()
    for folder in ("chalicelib", "functions", "onehost", "smtp-gateway/gateway", "clients/python"):
        for file in (ROOT / folder).rglob("*.py"):
            for module in imported(ast.parse(file.read_text())):
                needed |= {plain(home) for home in homes.get(module, ())}
    ours = {"posthorn", "pydantic-core", "pip"}  # pydantic pins its core
    of_functions = {"pyarrow"}  # of the index on AWS: in a list of its own
    assert needed - ours - of_functions - asked.keys() == set()


def imported(tree: ast.AST) -> set[str]:
    """The top names of what a module imports besides the standard library."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"app", "tests", "bench"}


def test_a_release_is_led_to_at_once(tmp_path: Path) -> None:
    link = tmp_path / "current"
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        install.lead(link, Path(str(number)))
        assert link.resolve() == tmp_path / str(number)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2", "current"]


def test_a_release_that_runs_is_known(tmp_path: Path) -> None:
    program = tmp_path / "1" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    waits = [program, "-c", "import sys; print(flush=True); sys.stdin.read()"]
    assert not install.runs(tmp_path / "1")
    with subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()
        assert install.runs(tmp_path / "1")
        assert not install.runs(tmp_path / "2")
        running.communicate()


def test_a_folder_where_nothing_can_be_installed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    python = shutil.which("python3", path="/usr/bin") or sys.executable
    done = run(python, ROOT / "infra/install.py", tmp_path / "file")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("posthorn: ")
    assert done.stderr.count("\n") == 1


def test_a_python_that_the_services_user_cannot_reach(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text("")
    tmp_path.chmod(0o700)
    with pytest.raises(SetupError, match="the service is one of them"):
        install.check_interpreter(python)
    install.check_interpreter(Path("/bin/sh"))
