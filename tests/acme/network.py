"""A network with nothing but loopback, where the ports 80 and 443 are free, and where names lead to it.

Sockets and threads that are made while it lasts are in it, and so are programs. Those that `Programs` starts see the
names of the tests besides, in an /etc/hosts of their own. Root alone may make such a network.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.patience import PATIENCE

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
# A place of its own for the names, and for a resolver that is nobody.
NAMED = """\
mount --bind "$1" /etc/hosts
mount --bind "$2" /etc/resolv.conf
shift 2
exec "$@"
"""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def reason_to_skip(*programs: str) -> str:
    """Why there is no such network here; no text when there is."""
    if os.geteuid() != 0:
        return "makes a network of its own, which root alone may"
    missing = [one for one in ("ip", "unshare", *programs) if shutil.which(one, path=PATH) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    spaces = ["unshare", "--mount", "--net", "true"]
    if subprocess.run(spaces, capture_output=True, check=False).returncode:
        return "no namespaces may be made here"
    return ""


@contextlib.contextmanager
def own_network() -> Iterator[None]:
    """While the block runs, this thread and those that it starts are in a network of their own."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        assert LIBC.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=PATIENCE)
        yield
    finally:
        assert LIBC.setns(before, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        os.close(before)


class Programs:
    """Programs of others in that network, each with an environment of its own and a log."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder = folder
        self._hosts, self._resolv = folder / "hosts", folder / "resolv.conf"
        self._hosts.write_text(f"127.0.0.1 localhost {' '.join(names)}\n")
        self._resolv.write_text("nameserver 127.0.0.1\n")
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str | Path], **variables: object) -> None:
        """Start a program that goes on."""
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                self._named(command), env=environment(variables), stdout=log, stderr=log
            )

    def run(self, command: Sequence[str | Path], variables: Mapping[str, object]) -> str:
        """Run a program to its end; what it printed. AssertionError when it fails."""
        done = subprocess.run(
            self._named(command),
            env=environment(variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE * 3,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def log(self, name: str) -> Path:
        """What a program prints."""
        return self._folder / f"{name}.log"

    def stop(self, name: str) -> None:
        """End a program."""
        program = self._running.pop(name)
        program.terminate()
        program.wait(PATIENCE)

    def stop_all(self) -> None:
        """End all."""
        for name in list(self._running):
            self.stop(name)

    def _named(self, command: Sequence[str | Path]) -> list[str | Path]:
        private = ["unshare", "--mount", "--propagation", "private", "sh", "-e", "-c", NAMED, "sh"]
        return [*private, self._hosts, self._resolv, *command]


def environment(variables: Mapping[str, object]) -> dict[str, str]:
    """Nothing of ours, above all no proxy, but what is named."""
    return {"PATH": PATH} | {name: str(value) for name, value in variables.items()}
