"""A port that somebody else has: one sentence that names it, exit code 1, and nothing is held or left behind."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.dns_zone import DnsZone
from tests.one_host import OneHost, refusal
from tests.peers import SmtpPeer


def test_the_port_is_named_and_the_folder_is_free_for_the_next_try(tmp_path: Path) -> None:
    with DnsZone() as zone, SmtpPeer().in_thread() as peer:
        zone.mx("example.com", (10, "mx.example.com"))
        zone.a("mx.example.com", "127.0.0.1")
        host = OneHost(tmp_path, zone, peer)
        with socket.create_server(("127.0.0.1", host.submission)):
            sentence = refusal(host.environment)
        assert f"cannot listen on 127.0.0.1 port {host.submission} (submission): " in sentence
        with host:
            host.send("john@example.com")
            peer.wait_for_mails(1)
