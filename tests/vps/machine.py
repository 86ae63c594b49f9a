"""A bare Debian machine: a root of debootstrap, booted by its own systemd in namespaces of its own (systemd-nspawn).

    with Machine(folder) as machine:
        machine.run("systemctl is-system-running")
        with machine.outside():   # sockets and threads that are made here are in the world that the machine sees
            …

A cable leads from it to another network name space, and nowhere else: that is its world. Both have addresses of the
public Internet that are nobody's mail servers (RFC 7534, RFC 7535). `fetch` runs a command with the network, the name
service and the package settings of the host. The machine's programs are in memory, /var/lib and /mnt on a disk.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from tests.patience import PATIENCE
from tests.vps.debian import (
    CACHE,
    CERTIFICATES,
    FETCH_SECONDS,
    KEPT_ROOT,
    make_root,
    output,
    take_settings_of_host,
)

ADDRESS = "192.31.196.10"
WORLD = ("192.175.48.25", "192.175.48.53")
"""Addresses of others: a mail server, and a name server."""
PROGRAMS = ("debootstrap", "systemd-nspawn", "nsenter", "ip", "tar")
UNPACK = """\
mount -t tmpfs -o mode=0755 tmpfs {folder}/root
tar -C {folder}/root -xf {tar}
cp -a {folder}/root/var/lib/. {folder}/lib/"""
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
OPEN = os.O_RDONLY | os.O_CLOEXEC
SOURCES = "/root/posthorn"
PLAIN = {"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


class Machine:
    """The machine, from power on to power off."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._console = folder / "console.log"
        self._networks: dict[str, int] = {}
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def __enter__(self) -> Self:
        make_root(self._folder)
        self._networks["host"] = _own_network()
        try:
            self._boot()
            self._connect()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for network in self._networks.values():
            os.close(network)
        if self._leader:
            os.kill(self._leader, signal.SIGKILL)
        if self._nspawn is not None:
            self._nspawn.wait(PATIENCE)

    def inside(self) -> AbstractContextManager[None]:
        """While the block runs, this thread and those that it starts are on the machine's network."""
        return self.beside("machine")

    def outside(self) -> AbstractContextManager[None]:
        """While the block runs, this thread and those that it starts are in the machine's world."""
        return self.beside("world")

    def path(self, inside: str) -> Path:
        """A file of the machine, as the host sees it."""
        return Path(f"/proc/{self._leader}/root") / inside.lstrip("/")

    def run(self, script: str, *, fails: bool = False, **variables: str) -> str:
        """Run a shell script as root in the folder of the sources; what it printed. AssertionError when it fails, or,
        with `fails`, does not."""
        command = self._entering(
            "--net", ["sh", "-e", "-c", f"cd {SOURCES}\n{script}"], PLAIN | variables
        )
        return output(command, script, PATIENCE * 5, fails=fails)

    def succeeds(self, script: str) -> bool:
        """Whether a script that `run` runs ends well."""
        try:
            self.run(script)
        except AssertionError:
            return False
        return True

    def start(self, script: str) -> Started:
        """Start a shell script as `run` runs it, and leave it running."""
        noted = f"echo $$ > {Started.NUMBER}; cd {SOURCES}\n{script}"
        command = self._entering("--net", ["sh", "-e", "-c", noted], PLAIN)
        return Started(self, command, self._folder / "started.log")

    def fetch(self, script: str) -> str:
        """As `run`, with the host's network and settings for packages."""
        prepared = f"mount --bind /run/host-resolv.conf /etc/resolv.conf\ncd {SOURCES}\n{script}"
        private = ["unshare", "--mount", "--propagation", "private", "sh", "-e", "-c", prepared]
        network = f"--net=/proc/{os.getpid()}/fd/{self._networks['host']}"
        pip = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
        ours = {"PIP_CACHE_DIR": "/var/cache/pip", "DEBIAN_FRONTEND": "noninteractive"}
        if "PIP_CERT" in pip:
            ours["PIP_CERT"] = CERTIFICATES
        return output(
            self._entering(network, private, PLAIN | pip | ours), script, FETCH_SECONDS, fails=False
        )

    @contextlib.contextmanager
    def beside(self, network: str) -> Iterator[None]:
        """While the block runs, this thread and those that it starts are on the network of `host`, `machine` or
        `world`."""
        before = _own_network()
        assert LIBC.setns(self._networks[network], CLONE_NEWNET) == 0, ctypes.get_errno()
        try:
            yield
        finally:
            LIBC.setns(before, CLONE_NEWNET)
            os.close(before)

    def _boot(self) -> None:
        for name in ("apt", "pip"):
            (CACHE / name).mkdir(parents=True, exist_ok=True)
        for name in ("root", "lib", "mnt"):
            (self._folder / name).mkdir()
        nspawn = [
            "systemd-nspawn",
            *("--quiet", "--boot", "--private-network", "--register=no", "--keep-unit"),
            *("--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe"),
            *(f"--machine=posthorn-{os.getpid()}", f"--directory={self._folder}/root"),
            *(f"--bind={self._folder}/lib:/var/lib", f"--bind={self._folder}/mnt:/mnt"),
            *(f"--bind={CACHE}/apt:/var/cache/apt/archives", f"--bind={CACHE}/pip:/var/cache/pip"),
            "--bind-ro=/etc/resolv.conf:/run/host-resolv.conf",
        ]
        unpacked = UNPACK.format(folder=self._folder, tar=KEPT_ROOT)
        private = ["unshare", "--mount", "--propagation", "private", "sh", "-e", "-c"]
        with self._console.open("wb") as console:
            self._nspawn = subprocess.Popen(
                [*private, f'{unpacked}\nexec "$@"', "sh", *nspawn],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        self._until(self._find_leader)
        self._until(lambda: "running" in self._state() or "degraded" in self._state())
        take_settings_of_host(self.path("/"))
        self.path(SOURCES).mkdir(parents=True)

    def _connect(self) -> None:
        """Lead a cable from the machine to its world."""
        self._networks["machine"] = os.open(f"/proc/{self._leader}/ns/net", OPEN)
        with self.beside("host"):
            assert LIBC.unshare(CLONE_NEWNET) == 0, ctypes.get_errno()
            self._networks["world"] = _own_network()
            _ip(f"link add world type veth peer name eth0 netns {self._leader}")
            for one in WORLD:
                _ip(f"address add {one}/32 dev world")
            for name in ("lo", "world"):
                _ip(f"link set {name} up")
            _ip(f"route add {ADDRESS} dev world")
        with self.inside():
            _ip(f"address add {ADDRESS}/32 dev eth0")
            for name in ("lo", "eth0"):
                _ip(f"link set {name} up")
            _ip("route add default dev eth0")

    def _until(self, is_so: object) -> None:
        deadline = time.monotonic() + PATIENCE
        assert callable(is_so)
        while not is_so():
            assert self._nspawn is not None
            assert self._nspawn.poll() is None, self._console.read_text()
            assert time.monotonic() < deadline, self._console.read_text()
            time.sleep(0.1)

    def _find_leader(self) -> bool:
        """The process that is number 1 in there."""
        assert self._nspawn is not None
        ours = Path("/proc/self/ns/pid").readlink()
        waiting = [self._nspawn.pid]
        while waiting:
            number = waiting.pop()
            with contextlib.suppress(OSError):
                if Path(f"/proc/{number}/ns/pid").readlink() != ours:
                    self._leader = number
                    return True
                children = Path(f"/proc/{number}/task/{number}/children").read_text()
                waiting += [int(child) for child in children.split()]
        return False

    def _state(self) -> str:
        command = self._entering("--net", ["systemctl", "is-system-running"], PLAIN)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout

    def _entering(
        self, network: str, command: list[str], variables: Mapping[str, str]
    ) -> list[str]:
        spaces = ("--mount", "--uts", "--ipc", "--pid", network, "--root")
        named = [f"{name}={value}" for name, value in variables.items()]
        return ["nsenter", f"--target={self._leader}", *spaces, "env", "-i", *named, *command]


def _own_network() -> int:
    """The network of this thread, as an open file."""
    return os.open("/proc/thread-self/ns/net", OPEN)


def _ip(words: str) -> None:
    output(["ip", *words.split()], words, PATIENCE)


class Started:
    """What `Machine.start` left running."""

    NUMBER = "/run/started.pid"

    def __init__(self, machine: Machine, command: list[str], log: Path) -> None:
        self._machine, self._log = machine, log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def output(self) -> str:
        """What it printed so far."""
        return self._log.read_text()

    def signal(self, name: str) -> None:
        """Send it a signal."""
        self._machine.run(f"kill -s {name.removeprefix('SIG')} $(cat {self.NUMBER})")

    def ended(self) -> int:
        """Its exit code, when it has ended."""
        return self._process.wait(PATIENCE)
