"""SIGHUP to `posthorn serve`, and to the gateway alone: the certificate is loaded again, and nobody is cut off."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.configuration import Configuration, Role
from onehost.host_metrics import HostMetrics
from tests.certificates import PairFiles, fingerprint, new_pair
from tests.dns_zone import DnsZone
from tests.gateway_process import start_gateway
from tests.gateway_scene import trusting_context
from tests.one_host import SERVE, OneHost
from tests.patience import PATIENCE
from tests.peers import SmtpPeer

FIRST, SECOND = new_pair(), new_pair()


@pytest.fixture
def files(tmp_path: Path) -> PairFiles:
    found = PairFiles(tmp_path)
    found.replace(FIRST)
    return found


@pytest.fixture
def host(files: PairFiles) -> Iterator[OneHost]:
    with DnsZone() as zone, SmtpPeer().in_thread() as peer:
        yield OneHost(
            files.folder,
            zone,
            peer,
            TLS_CERTIFICATE=files.certificate,
            TLS_KEY=files.key,
            PROCESSES=2,
        )


def shown(client: smtplib.SMTP) -> str:
    assert isinstance(client.sock, ssl.SSLSocket)
    return fingerprint(client.sock.getpeercert(binary_form=True))


def replace(host: OneHost, change: Callable[[], object]) -> None:
    """Change the files once every process serves, and send SIGHUP."""
    assert host.supervisor is not None
    host.until(lambda: "posthorn serves" in host.log.read_text())
    change()
    host.supervisor.send_signal(signal.SIGHUP)


def met(host: OneHost) -> str:
    with host.client() as client:
        client.starttls(context=trusting_context())
        return shown(client)


def test_every_process_takes_it_at_once_and_none_ends(host: OneHost, files: PairFiles) -> None:
    with host, host.client() as connected:
        connected.starttls(context=trusting_context())
        processes = host.processes()
        replace(host, lambda: files.replace(SECOND))
        host.until(lambda: host.log.read_text().count('"event":"certificate_loaded"') == 2)
        assert {met(host) for _ in range(8)} == {SECOND.fingerprint}
        assert connected.noop()[0] == 250
        assert shown(connected) == FIRST.fingerprint
        assert host.processes() == processes
    assert host.supervisor is not None
    assert host.supervisor.returncode == 0


def test_a_wrong_pair_is_told_once_a_process_and_the_old_one_serves(
    host: OneHost, files: PairFiles
) -> None:
    with host:
        replace(host, lambda: files.certificate.write_bytes(SECOND.certificate))
        host.until(lambda: host.log.read_text().count('"event":"certificate_refused"') == 2)
        assert {met(host) for _ in range(8)} == {FIRST.fingerprint}


def test_a_start_with_a_wrong_pair_serves_with_its_own_until_it_is_mended(
    host: OneHost, files: PairFiles
) -> None:
    files.certificate.write_bytes(SECOND.certificate)
    with host:
        host.until(lambda: host.log.read_text().count('"event":"certificate_stands_in"') == 2)
        (own,) = {met(host) for _ in range(8)}
        counted = HostMetrics(str(host.folder), Configuration())
        host.until(lambda: 'log_lines_total{level="error"} 2' in counted.text())
        assert own not in {FIRST.fingerprint, SECOND.fingerprint}
        replace(host, lambda: files.replace(SECOND))
        host.until(lambda: host.log.read_text().count('"event":"certificate_loaded"') == 2)
        assert {met(host) for _ in range(8)} == {SECOND.fingerprint}


def test_a_terminal_that_goes_away_is_a_stop(host: OneHost) -> None:
    ours, theirs = pty.openpty()
    with host.log.open("wb") as log:
        host.supervisor = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            env=host.environment,
            stdin=theirs,
            stdout=log,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509  # it does one call
        )
    os.close(theirs)
    host.until(host.is_ready)
    os.close(ours)
    assert host.supervisor.wait(PATIENCE) == 0


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


async def test_the_gateway_alone_takes_it(tmp_path: Path) -> None:
    files = PairFiles(tmp_path)
    files.replace(FIRST)
    variables = {"tls_certificate": files.certificate, "tls_key": files.key}
    async with start_gateway(tmp_path, **variables) as gateway:
        open_one = await gateway.connect(Role.SUBMISSIONS)
        files.replace(SECOND)
        gateway.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(PATIENCE):
            while await asyncio.to_thread(_met, gateway.started["ports"]["submissions"]) != (
                SECOND.fingerprint
            ):
                await asyncio.sleep(0.01)
        assert (await open_one.say("NOOP")).code == 250
        open_one.close()


def _met(port: int) -> str:
    with (
        contextlib.closing(socket.create_connection(("127.0.0.1", port), PATIENCE)) as plain,
        trusting_context().wrap_socket(plain) as secure,
    ):
        return fingerprint(secure.getpeercert(binary_form=True))
