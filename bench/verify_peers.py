"""Postfix with opendkim and opendmarc as Debian has them, checking incoming mail: DKIM, SPF, DMARC.

opendkim verifies, opendmarc finds SPF by itself (libspf2) and judges; both are milters over UNIX sockets. What was
accepted is put on hold, so that nothing is delivered: milters do not see what Postfix discards. Their resolvers know
port 53 alone: the name server has an address of loopback of its own there, and opendmarc a view of the file system in
which it stands in resolv.conf. All of it needs root, as Postfix does.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from bench.relay_peers import Relay
from bench.smtp_peers import (
    Absent,
    MailServer,
    make_postfix_folders,
    postfix_main,
    postfix_master,
    postfix_services,
    wait_for_greeting,
)
from bench.verify_load import PROXY
from tests.loopback import free_port

RESULTS = (b"dkim=pass", b"spf=pass", b"dmarc=pass")
_NOBODY = "203.0.113.1"
_BELOW = "/usr/sbin:/usr/bin"


class HoldingPostfix(Relay):
    """The running servers; what they accepted lies in `hold`."""

    def __init__(self, port: int, servers: list[MailServer], hold: Path) -> None:
        super().__init__("Postfix + opendkim + opendmarc", port, servers)
        self._hold = hold
        self._passed = 0

    def passed(self) -> int:
        """How many messages passed every check, of those ever accepted; they are removed."""
        for file in self._hold.iterdir():
            content = file.read_bytes()
            self._passed += all(result in content for result in RESULTS)
            file.unlink()
        return self._passed


def start_postfix(folder: Path, name_server: str) -> HoldingPostfix:
    """Postfix and both milters, which ask a name server at port 53 of this address."""
    master = postfix_master()
    opendkim, opendmarc, unshare = map(_program, ("opendkim", "opendmarc", "unshare"))
    port = free_port()
    make_postfix_folders(folder)
    (folder / "nobody").write_text(f"{_NOBODY}\n")
    started: list[MailServer] = []
    try:
        started.append(_start_opendkim(folder, opendkim, name_server))
        started.append(_start_opendmarc(folder, opendmarc, unshare, name_server))
        main = postfix_main(folder, master.parent).replace("127.0.0.0/8", "0.0.0.0/0")
        (folder / "etc" / "main.cf").write_text(main + _checks(folder))
        (folder / "etc" / "master.cf").write_text(postfix_services(port))
        command = [str(master), "-c", str(folder / "etc"), "-d"]
        process = _started(command, folder / "postfix.log")
        wait_for_greeting(port, process, said=PROXY)
    except BaseException:
        for server in started:
            server.stop()
        raise
    servers = [MailServer("postfix", port, process), *started]
    return HoldingPostfix(port, servers, folder / "spool" / "hold")


def _checks(folder: Path) -> str:
    return f"""smtpd_upstream_proxy_protocol = haproxy
smtpd_sender_restrictions = check_sender_access static:HOLD
smtpd_milters = unix:{folder / "opendkim.sock"}, unix:{folder / "opendmarc.sock"}
milter_default_action = tempfail
"""


def _start_opendkim(folder: Path, program: str, name_server: str) -> MailServer:
    settings, socket = folder / "opendkim.conf", folder / "opendkim.sock"
    settings.write_text(
        f"Socket local:{socket}\nUMask 0000\nMode v\nAuthservID bench.local\nSyslog no\n"
        f"UserID root\nInternalHosts {folder / 'nobody'}\nBackground no\nAutoRestart no\n"
        f"Nameservers {name_server}\n"
    )
    process = _started([program, "-f", "-x", str(settings)], folder / "opendkim.log")
    return _listening("opendkim", socket, process)


def _start_opendmarc(folder: Path, program: str, unshare: str, name_server: str) -> MailServer:
    resolver = folder / "resolv.conf"
    resolver.write_text(f"nameserver {name_server}\n")
    settings, socket = folder / "opendmarc.conf", folder / "opendmarc.sock"
    settings.write_text(
        f"Socket local:{socket}\nUMask 0000\nAuthservID bench.local\n"
        "TrustedAuthservIDs bench.local\nSyslog false\nUserID root\nBackground false\n"
        f"AutoRestart false\nIgnoreHosts {folder / 'nobody'}\nRejectFailures false\n"
        "SPFIgnoreResults true\nSPFSelfValidate true\n"
    )
    seen = f'mount --bind "{resolver}" /etc/resolv.conf && exec "$@"'
    command = [unshare, "--mount", "sh", "-c", seen, "sh", program, "-f", "-c", str(settings)]
    return _listening("opendmarc", socket, _started(command, folder / "opendmarc.log"))


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=_BELOW)
    if found is None:
        raise Absent(f"{name} is not installed")
    return found


def _started(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=output)


def _listening(name: str, socket: Path, process: subprocess.Popen[bytes]) -> MailServer:
    """The milter, once its socket is there."""
    server = MailServer(name, 0, process)
    end = time.monotonic() + 10
    while not socket.exists():
        if time.monotonic() > end or process.poll() is not None:
            server.stop()
            raise Absent(f"{name} did not start")
        time.sleep(0.02)
    return server
