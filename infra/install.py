"""Install Posthorn on a server: `python3 infra/install.py /opt/posthorn`, which is `make install`.

Promises that `current` in the named folder leads to an environment with this release and exactly the packages that
requirements-local.txt pins by their hashes, and that it changes all at once: a release is made beside the one that
runs, which stays as it is. The one before is kept to go back to, and so is one that still runs; older ones are removed.
Nothing is started, and nothing outside the folder is touched. Uses the standard library only.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infra.environment import BASE, ROOT, Layer, SetupError, create, install, run

SOURCES = (
    "chalicelib",
    "functions",
    "infra",
    "onehost",
    "smtp-gateway",
    "clients",
    "pyproject.toml",
    "LICENSE",
)
DEFAULT_PREFIX = Path("/opt/posthorn")
RELEASES, CURRENT, UNITS = "releases", "current", "systemd"
ONE_HOST, PROMETHEUS = ROOT / "infra/onehost", ROOT / "infra/prometheus"
# What is for other programs: from where in the sources, to where in the release.
FOR_OTHERS = (
    (ONE_HOST / "Caddyfile", "etc/caddy/Caddyfile"),
    (ONE_HOST / "fail2ban", "etc/fail2ban"),
    (PROMETHEUS, "etc/prometheus"),
    (ONE_HOST / "hooks", "hooks"),
)
NEXT = """\
{prefix}/current has this release. Next, as root:
  install -m 0644 {prefix}/current/systemd/* /etc/systemd/system/ && systemctl daemon-reload
docs/one-host.md says how to go on: the user `posthorn`, `posthorn init`, starting it."""


def install_release(prefix: Path) -> Path:
    """Make a release and lead `current` to it; its folder. SetupError or OSError."""
    check_interpreter(Path(BASE))
    releases = prefix / RELEASES
    releases.mkdir(parents=True, exist_ok=True)
    with (prefix / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = releases / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        try:
            create(made, BASE, "{}.{}".format(*sys.version_info))
            install(ROOT, Layer(str(made), "requirements-local.txt", editable=False))
            install_program(made)
            render_units(made / UNITS, prefix)
            render_files_for_others(made, prefix)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        before = (prefix / CURRENT).resolve().name
        lead(prefix / CURRENT, Path(RELEASES) / made.name)
        for old in releases.iterdir():
            if old.name not in (made.name, before) and not runs(old):
                shutil.rmtree(old)
    return made


def runs(release: Path) -> bool:
    """Whether a process was started from a release; never where the system does not tell."""
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if command.read_bytes().startswith(f"{release}/".encode()):
                return True
    return False


def check_interpreter(python: Path) -> None:
    """SetupError when others than its owner cannot reach a Python, since the service runs as a user of its own."""
    for folder in python.resolve().parents:
        if not folder.stat().st_mode & stat.S_IXOTH:
            raise SetupError(
                f"other users may not open {folder}, where {python} lies, and the service is one of them: name"
                " another Python, as with PYTHON=/usr/bin/python3."
            )


def install_program(folder: Path) -> None:
    """Build the wheel of this repository and install it."""
    with tempfile.TemporaryDirectory() as scratch:
        sources = Path(scratch) / "sources"
        copy_sources(sources)
        pip = (folder / "bin/python", "-P", "-m", "pip", "install", "--disable-pip-version-check")
        run(folder, *pip, "--no-deps", "--no-build-isolation", sources)
    run(folder, folder / "bin/python", "-m", "compileall", "-q", folder / "lib")


def copy_sources(folder: Path) -> None:
    """What the wheel is made of; setuptools builds in place, and leaves things there."""
    folder.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)


def render_units(folder: Path, prefix: Path) -> None:
    """The systemd units for a program below this prefix."""
    for unit in sorted(ONE_HOST.glob("posthorn*.*")):
        _render(unit, folder / unit.name, prefix)


def render_files_for_others(folder: Path, prefix: Path) -> None:
    """What Caddy, fail2ban, Prometheus and ACME clients are given, for a program below this prefix."""
    for source, place in FOR_OTHERS:
        for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if file.is_file():
                _render(file, folder / place / file.relative_to(source), prefix)


def _render(file: Path, target: Path, prefix: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(file.read_text().replace(str(DEFAULT_PREFIX), str(prefix)))
    target.chmod(file.stat().st_mode & 0o755)


def lead(link: Path, target: Path) -> None:
    """Let a link lead somewhere else, at once."""
    draft = link.with_name(f"{link.name}.new")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.replace(link)


def main(arguments: list[str]) -> int:
    """Exit code 0, or 1 with one sentence on standard error."""
    if len(arguments) != 1:
        print("usage: install.py FOLDER", file=sys.stderr)
        return 2
    prefix = Path(arguments[0]).absolute()
    try:
        install_release(prefix)
    except (SetupError, OSError) as error:
        print(f"posthorn: {error}", file=sys.stderr)
        return 1
    print(NEXT.format(prefix=prefix))
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main(sys.argv[1:]))
