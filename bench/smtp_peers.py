"""Mail servers to measure side by side, each in a folder of its own on a free loopback port, ended by id.

Every one accepts a message and throws it away, which is what is compared: our gateway with AUTH, limits and every
accept step on; aiosmtpd as it comes; Postfix (smtpd and cleanup, access action DISCARD) and Haraka (queue/discard)
when they are installed, without AUTH. CPU is that of a server's whole process tree, from /proc.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.loopback import free_port

ROOT = Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")
LARGEST = 36_700_160
POSTFIX_DISCARDS = "smtpd_sender_restrictions = check_sender_access static:DISCARD\n"
HARAKA_CONNECTION = f"""[main]
[haproxy]
[headers]
[max]
bytes={LARGEST}
mime_parts=1000
line_length=512
data_line_length=992
[message]
[uuid]
"""
AIOSMTPD = """
import asyncio, logging, sys, uvloop
from aiosmtpd.smtp import SMTP
logging.disable(logging.CRITICAL)
class Discard:
    async def handle_DATA(self, server, session, envelope):
        return "250 2.0.0 OK"
async def main():
    loop = asyncio.get_running_loop()
    make = lambda: SMTP(Discard(), hostname="bench.local", enable_SMTPUTF8=True, loop=loop)
    await loop.create_server(make, "127.0.0.1", int(sys.argv[1]), backlog=1000)
    await asyncio.Event().wait()
uvloop.run(main())
"""


class Absent(Exception):
    """A peer cannot be measured here. Its text says why."""


@dataclass(slots=True)
class MailServer:
    """A running server: `key` is for AUTH, empty where there is none."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    key: str = ""
    rcpt: str = "rcpt@sink.example"
    _seen: set[int] = field(default_factory=set)

    def cpu(self) -> float:
        """CPU seconds of the process tree so far, those of ended children included."""
        return sum(_cpu_of(pid) for pid in self.tree())

    def stop(self) -> None:
        """End what was started, children too."""
        tree = self.tree()
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in tree:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue
            try:
                self.process.wait(5)
                time.sleep(0.2)
            except subprocess.TimeoutExpired:
                continue

    def tree(self) -> list[int]:
        """The ids of its process and all descendants."""
        found, new = [], [self.process.pid]
        while new:
            pid = new.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    new += [int(child) for child in task.read_text().split()]
                except OSError:
                    continue
        return found


def start_gateway(folder: Path) -> MailServer:
    """Our gateway alone, with stores that keep nothing."""
    port, process, words = _gateway(folder, "submission")
    return MailServer("gateway", port, process, key=words[words.index("key") + 1])


def start_incoming(folder: Path) -> MailServer:
    """The same, at its port for incoming mail, where strangers bring mail for a route."""
    port, process, words = _gateway(folder, "mx")
    rcpt = f"rcpt@{words[words.index('domain') + 1]}"
    return MailServer("incoming", port, process, rcpt=rcpt)


def _gateway(folder: Path, listener: str) -> tuple[int, subprocess.Popen[bytes], list[str]]:
    """Its one port, its process, and what it said."""
    port = free_port()
    environment = os.environ | {
        "POSTHORN_ALLOW_PLAIN_AUTH": "1",
        "POSTHORN_STATE": str(folder),
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'smtp-gateway'}",
    }
    log = (folder / "gateway.log").open("w+b")
    ports = {"mx": -1, "submission": -1, "submissions": -1, listener: port}
    command = [sys.executable, "-m", "gateway", "--memory"]
    for name, number in ports.items():
        command += [f"--{name}-port", str(number)]
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=ROOT)
    wait_for_greeting(port, process)
    return port, process, (folder / "gateway.log").read_text().split()


def start_aiosmtpd(folder: Path) -> MailServer:
    """aiosmtpd as it comes, on uvloop."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", AIOSMTPD, str(port)], cwd=folder)
    wait_for_greeting(port, process)
    return MailServer("aiosmtpd", port, process)


def start_haraka(folder: Path) -> MailServer:
    """Haraka from HARAKA_HOME (a node_modules folder) or the PATH, one process."""
    node, program = shutil.which("node"), haraka_program()
    if node is None or program is None:
        raise Absent("Haraka is not installed (HARAKA_HOME names its node_modules)")
    port = free_port()
    for name in ("config", "plugins", "queue"):
        (folder / name).mkdir()
    settings = {
        "smtp.ini": f"listen=127.0.0.1:{port}\nnodes=0\n",
        "log.ini": "[main]\nlevel=warn\n",
        "loglevel": "WARN\n",
        "me": "bench.local\n",
        "databytes": f"{LARGEST}\n",
        "connection.ini": HARAKA_CONNECTION,
        "plugins": "bench\nqueue/discard\n",
        "host_list": "",
    }
    for name, text in settings.items():
        (folder / "config" / name).write_text(text)
    (folder / "plugins" / "bench.js").write_text(
        "exports.register = function () {}\n"
        "exports.hook_connect = function (next, c) { c.relaying = true; next() }\n"
        "exports.hook_rcpt = function (next) { next(OK) }\n"
        "exports.hook_lookup_rdns = function (next) { next(OK, 'localhost') }\n"
    )
    log = (folder / "haraka.log").open("wb")
    environment = os.environ | {"YES_REALLY_DO_DISCARD": "1"}
    process = subprocess.Popen(
        [node, str(program), "-c", str(folder)], stdout=log, stderr=log, env=environment
    )
    wait_for_greeting(port, process)
    return MailServer("haraka", port, process)


def start_postfix(folder: Path) -> MailServer:
    """Postfix with a queue, configuration and port of its own; needs root, as Postfix does."""
    master = postfix_master()
    port = free_port()
    make_postfix_folders(folder)
    main = postfix_main(folder, master.parent) + POSTFIX_DISCARDS
    (folder / "etc" / "main.cf").write_text(main)
    (folder / "etc" / "master.cf").write_text(postfix_services(port))
    log = (folder / "postfix.log").open("wb")
    process = subprocess.Popen([master, "-c", folder / "etc", "-d"], stdout=log, stderr=log)
    wait_for_greeting(port, process)
    return MailServer("postfix", port, process)


def postfix_master() -> Path:
    """Postfix's master; Absent when there is none, or nobody who may start it."""
    places = map(Path, ("/usr/lib/postfix/sbin/master", "/usr/libexec/postfix/master"))
    master = next((path for path in places if path.exists()), None)
    if master is None:
        raise Absent("Postfix is not installed")
    if os.geteuid() != 0:
        raise Absent("Postfix can only be started by root")
    return master


def postfix_main(folder: Path, daemons: Path) -> str:
    """What the main.cf of every Postfix here has."""
    return f"""compatibility_level = 3.6
queue_directory = {folder / "spool"}
data_directory = {folder / "data"}
daemon_directory = {daemons}
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = bench.local
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
maillog_file = {folder / "mail.log"}
maillog_file_prefixes = {folder}
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_relay_restrictions = permit_mynetworks, reject
default_process_limit = 100
in_flow_delay = 0
message_size_limit = {LARGEST}
mailbox_size_limit = 0
disable_dns_lookups = yes
"""


def postfix_services(port: int) -> str:
    """A master.cf that listens on a port and accepts; it has no delivery agents."""
    services = (
        (f"127.0.0.1:{port}", "inet", "n", "-", "smtpd"),
        ("pickup", "unix", "n", "1", "pickup"),
        ("cleanup", "unix", "n", "0", "cleanup"),
        ("qmgr", "unix", "n", "1", "qmgr"),
        ("tlsmgr", "unix", "-", "1", "tlsmgr"),
        ("rewrite", "unix", "-", "-", "trivial-rewrite"),
        ("bounce", "unix", "-", "0", "bounce"),
        ("defer", "unix", "-", "0", "bounce"),
        ("trace", "unix", "-", "0", "bounce"),
        ("proxymap", "unix", "-", "-", "proxymap"),
        ("anvil", "unix", "-", "1", "anvil"),
        ("scache", "unix", "-", "1", "scache"),
        ("discard", "unix", "-", "-", "discard"),
        ("error", "unix", "-", "-", "error"),
        ("postlog", "unix-dgram", "n", "1", "postlogd"),
    )
    return "".join(
        f"{name} {kind} {private} - n - {most} {command}\n"
        for name, kind, private, most, command in services
    )


def make_postfix_folders(folder: Path) -> None:
    """Folders for configuration and data, and those of a queue, as `postfix check` makes them."""
    folder.chmod(0o755)
    for name in ("etc", "data", "spool"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    spool = folder / "spool"
    private = "active bounce corrupt defer deferred flush hold incoming private saved trace"
    folders: dict[str, tuple[int, str | None]] = dict.fromkeys(private.split(), (0o700, None))
    folders |= {"maildrop": (0o730, "postdrop"), "public": (0o710, "postdrop")}
    for name, (mode, group) in folders.items():
        (spool / name).mkdir()
        shutil.chown(spool / name, "postfix", group)
        (spool / name).chmod(mode)
    (spool / "pid").mkdir(mode=0o755)


def haraka_program() -> Path | None:
    """Haraka's program file; None when it is not installed."""
    home = os.environ.get("HARAKA_HOME")
    if home:
        program = Path(home) / "Haraka" / "bin" / "haraka"
        if program.exists():
            return program
    found = shutil.which("haraka")
    return Path(found).resolve() if found else None


def _cpu_of(pid: int) -> float:
    """Nanoseconds on the CPU of each live thread, and the ticks of children that have ended."""
    total = 0.0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0]) / 1e9
        ended = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return total + (int(ended[13]) + int(ended[14])) / TICK
    except OSError:
        return total


def wait_for_greeting(
    port: int, process: subprocess.Popen[bytes], seconds: float = 30.0, said: bytes = b""
) -> None:
    """Until a server greets, once `said` was sent; Absent when its process ends or says nothing."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as client:
                client.settimeout(5)
                client.sendall(said)
                if client.recv(512).startswith(b"220"):
                    client.sendall(b"QUIT\r\n")
                    return
        except OSError:
            time.sleep(0.05)
    if process.poll() is None:
        process.kill()
    raise Absent(f"it did not start (exit code {process.wait()})")
