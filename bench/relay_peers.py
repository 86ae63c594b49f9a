"""Relays to measure side by side: each accepts by SMTP, signs with DKIM (RSA-2048, relaxed) and delivers to a sink.

Ours; Postfix with opendkim as a milter over a UNIX socket; Haraka with its dkim plugin; and what Python does out of the
box (aiosmtpd, dkimpy, aiosmtplib). Each starts in a folder of its own on free ports of loopback and is ended by id. The
peers keep their queues on the folder's file system, as they always do; ours keeps nothing (see `bench.relay_server`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.smtp_peers import (
    HARAKA_CONNECTION,
    LARGEST,
    ROOT,
    TICK,
    Absent,
    MailServer,
    haraka_program,
    make_postfix_folders,
    postfix_main,
    postfix_master,
    postfix_services,
    wait_for_greeting,
)
from bench.tenant import DOMAIN
from tests.loopback import free_port

SELECTOR = "bench"
CONNECTIONS = 20
STOCK = """
import asyncio, logging, sys, aiosmtplib, dkim, uvloop
from aiosmtpd.smtp import SMTP
logging.disable(logging.CRITICAL)
port, sink, key = int(sys.argv[1]), int(sys.argv[2]), open(sys.argv[3], "rb").read()
class Relay:
    async def handle_DATA(self, server, session, envelope):
        queue.put_nowait((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 2.0.0 OK"
async def deliver():
    client = aiosmtplib.SMTP(
        hostname="127.0.0.1", port=sink, start_tls=False, local_hostname="bench.local"
    )
    await client.connect()
    while True:
        sender, recipients, content = await queue.get()
        relaxed = (b"relaxed", b"relaxed")
        signature = dkim.sign(content, b"SELECTOR", b"DOMAIN", key, canonicalize=relaxed)
        await client.sendmail(sender, recipients, signature + content)
async def main():
    global queue
    queue, loop = asyncio.Queue(), asyncio.get_running_loop()
    make = lambda: SMTP(Relay(), hostname="bench.local", enable_SMTPUTF8=True, loop=loop)
    await loop.create_server(make, "127.0.0.1", port, backlog=1000)
    await asyncio.gather(*(deliver() for _ in range(CONNECTIONS)))
uvloop.run(main())
"""


@dataclass(slots=True)
class Relay:
    """A running relay of one or more process trees; `key` is for AUTH, empty where there is none."""

    name: str
    port: int
    servers: list[MailServer]
    key: str = ""

    def cpu(self) -> float:
        """CPU seconds of all its processes so far, those of ended threads and children included."""
        return sum(map(_cpu_of, self.pids))

    @property
    def pids(self) -> list[int]:
        """All its processes."""
        return [pid for server in self.servers for pid in server.tree()]

    def stop(self) -> None:
        """End what was started."""
        for server in self.servers:
            server.stop()


Start = Callable[[Path, int, Path], Relay]
"""From a folder, the sink's port and the file of an RSA key in PEM to a running relay."""


def start_ours(folder: Path, sink: int, signatures: str) -> Relay:
    """Our relay with memory storage; `signatures` is "both" or "rsa"."""
    port = free_port()
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'smtp-gateway'}"}
    with (folder / "relay.log").open("wb") as log:
        command = [sys.executable, "-m", "bench.relay_server", "--port", str(port)]
        command += ["--sink", str(sink), "--signatures", signatures]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=ROOT)
    wait_for_greeting(port, process)
    words = _wait_for_words(folder / "relay.log", 2)
    server = MailServer("ours", port, process)
    return Relay("ours", port, [server], words[words.index("key") + 1])


def start_stock(folder: Path, sink: int, key: Path) -> Relay:
    """aiosmtpd, dkimpy and aiosmtplib as they come, on uvloop."""
    port = free_port()
    program = STOCK.replace("SELECTOR", SELECTOR).replace("DOMAIN", DOMAIN)
    program = program.replace("CONNECTIONS", str(CONNECTIONS))
    with (folder / "stock.log").open("wb") as log:
        command = [sys.executable, "-c", program, str(port), str(sink), str(key)]
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    wait_for_greeting(port, process)
    return Relay("stock Python", port, [MailServer("stock", port, process)])


def start_haraka(folder: Path, sink: int, key: Path) -> Relay:
    """Haraka, one process, its own outbound queue."""
    node, program = shutil.which("node"), haraka_program()
    if node is None or program is None:
        raise Absent("Haraka is not installed (HARAKA_HOME names its node_modules)")
    if not (program.parents[2] / "haraka-plugin-dkim").is_dir():
        raise Absent("haraka-plugin-dkim is not installed next to Haraka")
    port = free_port()
    for name in ("config", "plugins", "queue"):
        (folder / name).mkdir()
    for name, text in _haraka_settings(port).items():
        (folder / "config" / name).write_text(text)
    shutil.copy(key, folder / "config" / "dkim.private.key")
    (folder / "plugins" / "bench.js").write_text(
        "exports.hook_connect = function (next, c) { c.relaying = true; next() }\n"
        "exports.hook_rcpt = function (next) { next(OK) }\n"
        "exports.hook_lookup_rdns = function (next) { next(OK, 'localhost') }\n"
        "exports.hook_get_mx = function (next)"
        f" {{ next(OK, {{ priority: 0, exchange: '127.0.0.1', port: {sink} }}) }}\n"
    )
    with (folder / "haraka.log").open("wb") as log:
        process = subprocess.Popen([node, program, "-c", folder], stdout=log, stderr=log)
    wait_for_greeting(port, process)
    return Relay("Haraka", port, [MailServer("haraka", port, process)])


def _haraka_settings(port: int) -> dict[str, str]:
    signed = "From, Sender, Reply-To, Subject, Date, Message-ID, To, Cc, MIME-Version, Content-Type"
    return {
        "smtp.ini": f"listen=127.0.0.1:{port}\nnodes=0\n",
        "log.ini": "[main]\nlevel=warn\n",
        "loglevel": "WARN\n",
        "me": "bench.local\n",
        "databytes": f"{LARGEST}\n",
        "connection.ini": HARAKA_CONNECTION,
        "plugins": "bench\ndkim\n",
        "host_list": "",
        "outbound.ini": f"enable_tls=false\nlocal_mx_ok=true\nconcurrency_max={CONNECTIONS}\n",
        "dkim.ini": f"[sign]\nenabled=true\nselector={SELECTOR}\ndomain={DOMAIN}\nheaders={signed}\n"
        "[canon]\nbody=relaxed\n[verify]\nenabled=false\n",
    }


def start_postfix(folder: Path, sink: int, key: Path) -> Relay:
    """Postfix and opendkim; needs root, as Postfix does."""
    master = postfix_master()
    opendkim = shutil.which("opendkim") or shutil.which("opendkim", path="/usr/sbin")
    if opendkim is None:
        raise Absent("opendkim is not installed")
    port = free_port()
    make_postfix_folders(folder)
    milter = _start_opendkim(folder, opendkim, key)
    try:
        main = postfix_main(folder, master.parent) + _postfix_relays(folder, sink)
        (folder / "etc" / "main.cf").write_text(main)
        clients = "".join(f"{name} unix - - n - - smtp\n" for name in ("smtp", "relay"))
        services = postfix_services(port) + clients + "retry unix - - n - - error\n"
        (folder / "etc" / "master.cf").write_text(services)
        with (folder / "postfix.log").open("wb") as log:
            command = [str(master), "-c", str(folder / "etc"), "-d"]
            process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for_greeting(port, process)
    except BaseException:
        milter.stop()
        raise
    return Relay("Postfix + opendkim", port, [MailServer("postfix", port, process), milter])


def _start_opendkim(folder: Path, opendkim: str, key: Path) -> MailServer:
    socket = folder / "opendkim.sock"
    settings = folder / "opendkim.conf"
    settings.write_text(
        f"Socket local:{socket}\nUMask 0000\nMode s\nDomain {DOMAIN}\nSelector {SELECTOR}\n"
        f"KeyFile {key}\nCanonicalization relaxed/relaxed\nSyslog no\nUserID root\n"
        "InternalHosts 127.0.0.0/8\nBackground no\nAutoRestart no\nOversignHeaders From\n"
        "RequireSafeKeys no\n"
    )
    with (folder / "opendkim.log").open("wb") as log:
        process = subprocess.Popen([opendkim, "-f", "-x", settings], stdout=log, stderr=log)
    server = MailServer("opendkim", 0, process)
    end = time.monotonic() + 10
    while not socket.exists():
        if time.monotonic() > end or process.poll() is not None:
            server.stop()
            raise Absent("opendkim did not start")
        time.sleep(0.02)
    return server


def _postfix_relays(folder: Path, sink: int) -> str:
    return f"""relayhost = [127.0.0.1]:{sink}
smtpd_milters = unix:{folder / "opendkim.sock"}
milter_default_action = tempfail
smtp_destination_concurrency_limit = {CONNECTIONS}
initial_destination_concurrency = {CONNECTIONS}
default_destination_recipient_limit = 1
smtp_connection_cache_on_demand = yes
smtp_dns_support_level = disabled
"""


def _wait_for_words(file: Path, count: int) -> list[str]:
    end = time.monotonic() + 10
    while len(words := file.read_text().split()) < count and time.monotonic() < end:
        time.sleep(0.02)
    return words


def _cpu_of(pid: int) -> float:
    """From the kernel's account of a process, which keeps what its ended threads and children have used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11:15]) / TICK
