"""A port that somebody else has: one sentence that names it, exit code 1, and nothing is held or left behind."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from tests.dns_zone import DnsZone
from tests.one_host import OneHost
from tests.patience import PATIENCE
from tests.peers import SmtpPeer

COMMAND = "import sys; from onehost.main import main; sys.exit(main(['serve']))"


def test_the_port_is_named_and_the_folder_is_free_for_the_next_try(tmp_path: Path) -> None:
    with DnsZone() as zone, SmtpPeer().in_thread() as peer:
        zone.mx("example.com", (10, "mx.example.com"))
        zone.a("mx.example.com", "127.0.0.1")
        host = OneHost(tmp_path, zone, peer)
        with socket.create_server(("127.0.0.1", host.submission)):
            refused = subprocess.run(
                [sys.executable, "-c", COMMAND],
                env=host.environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        assert refused.returncode == 1
        (sentence,) = refused.stderr.splitlines()
        assert f"cannot listen on 127.0.0.1 port {host.submission} (submission): " in sentence
        with host:
            host.send("john@example.com")
            peer.wait_for_mails(1)
