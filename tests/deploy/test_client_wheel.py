"""The wheel of the Python client stands alone: installed where nothing of Posthorn is, it sends the first mail."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.services.tenancy.credentials import Credentials
from chalicelib.services.tenancy.management_keys import KeyOptions, ManagementKeys
from infra.client_wheel import build_wheel
from tests.dns_zone import DnsZone
from tests.loopback import free_port
from tests.one_host import OneHost
from tests.peers import SmtpPeer

pytestmark = pytest.mark.slow
FIRST_MAIL = """
import importlib.util, sys
from posthorn_client import Client

assert importlib.util.find_spec("chalicelib") is None
url, server_key, management_key = sys.argv[1:]
email = {"from": "hello@acme.test", "to": ["john@example.com"], "subject": "By a server key", "text": "Hi"}
with Client(url, server_key) as client:
    print(client.send_email(email)["id"])
with Client(url, management_key, tenant="acme/app") as client:
    sent = client.send_email({**email, "subject": "By a management key"})
    print(client.show_email(sent["id"])["subject"])
    print(next(client.all_organizations())["permalink"])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_types_and_nothing_of_posthorn(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    names = archive.namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"posthorn_client"}
    assert "posthorn_client/py.typed" in names
    (metadata,) = (name for name in names if name.endswith("/METADATA"))
    assert b"Requires-Dist" not in archive.read(metadata)


def test_the_first_mail_is_sent_from_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", empty], check=True)
    python = empty / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "-q")
    subprocess.run([*pip, wheel], check=True)
    port = free_port()
    with (
        DnsZone() as zone,
        SmtpPeer().in_thread() as peer,
        OneHost(tmp_path, zone, peer, HTTP_PORT=port) as host,
    ):
        zone.mx("example.com", (10, "mx.example.com"))
        zone.a("mx.example.com", "127.0.0.1")
        url = f"http://127.0.0.1:{port}"
        done = subprocess.run(
            [python, "-I", "-c", FIRST_MAIL, url, *asyncio.run(_keys(host))],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split("\n") == ["1", "By a management key", "acme", ""]
        peer.wait_for_mails(2)


async def _keys(host: OneHost) -> tuple[str, str]:
    """A server key and a management key."""
    _, of_server = await host.program[Credentials].create(host.server, CredentialKind.API, "web")
    wanted = KeyOptions(("*",))
    _, of_installation = await host.program[ManagementKeys].create(None, "root", wanted, "a test")
    return of_server, of_installation
