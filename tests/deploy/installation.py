"""A deployed installation on the emulated AWS: the packaged zip in its Lambdas, a zone and a receiver around it.

`installation` is deployed once for a test process and has a tenant. What the deployed functions do is seen where users
and receivers see it: at the API's URL, in the server that mail arrives at, and in the tables.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.config import read_settings
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.servers import Server
from infra import package as packaging
from infra.deploy import deploy
from infra.order import Order
from infra.outputs import Deployed
from infra.package import Package
from infra.targets import Target
from tests.aws_backend import Backend
from tests.dns_zone import DnsZone
from tests.patience import PATIENCE
from tests.peers import SmtpPeer
from tests.tenants import make_tenant

PackageOf = Callable[..., Package]


@dataclass
class Installation:
    """What was deployed, and the scenery. `key` is an API credential of `server`."""

    order: Order
    deployed: Deployed
    program: Posthorn
    zone: DnsZone
    peer: SmtpPeer
    server: Server
    key: str

    def post(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        """POST JSON to the API's URL with the tenant's key; status and answer."""
        request = urllib.request.Request(  # noqa: S310  # the emulator on loopback
            self.deployed.api + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "X-Server-API-Key": self.key},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as answer:
            return answer.code, json.loads(answer.read() or b"{}")

    def send(self, to: str, subject: str = "Hello") -> dict[str, Any]:
        """Send a message by API v1; what the answer says of it."""
        message = {
            "to": [to],
            "from": "hello@acme.test",
            "subject": subject,
            "plain_body": "Good day.",
        }
        status, answer = self.post("/api/v1/send/message", message)
        assert (status, answer["status"]) == (200, "success"), answer
        found: dict[str, Any] = answer["data"]["messages"][to]
        return found

    def log(self, function: str) -> list[str]:
        """What a deployed function has written, oldest first."""
        client = self.order.target.client("logs")
        group = f"/aws/lambda/{self.deployed.functions[function]}"
        events = client.filter_log_events(logGroupName=group)["events"]
        return [event["message"].rstrip() for event in events]


def wait_for(is_so: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """The first true result; AssertionError when there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := is_so():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


@pytest.fixture(scope="session")
def package_of(tmp_path_factory: pytest.TempPathFactory) -> PackageOf:
    """Zip and template of the pools, each made once for a test process."""
    build = packaging.build  # which tests replace
    return cache(lambda *pools: build(pools, folder=tmp_path_factory.mktemp("package")))


@pytest.fixture(scope="session")
def package(package_of: PackageOf) -> Package:
    """The zip and template of the default pool."""
    return package_of("default")


@pytest.fixture(scope="session")
def target(aws_backend: Backend) -> Target:
    """The emulated AWS of this test process."""
    return Target("local", aws_backend.endpoint, "us-east-1", ("test", "test"))


def random_prefix() -> str:
    """A prefix that no other test has."""
    return f"d{secrets.token_hex(5)}"


@pytest.fixture(scope="session")
def installation(target: Target, package: Package) -> Iterator[Installation]:
    """One deployed installation for the whole process."""
    with DnsZone() as zone, SmtpPeer().in_thread() as peer:
        zone.mx("example.com", (10, "mx.example.com"))
        zone.a("mx.example.com", "127.0.0.1")
        settings = {
            "dns_server": zone.server,
            "delivery_port": str(peer.port),
            "allow_private_delivery": "true",
        }
        order = Order(target, random_prefix(), package, settings=settings)
        deployed = deploy(order, lambda _: None)
        program = bootstrap.on_aws(read_settings(deployed.environment))
        server, key = bootstrap.run(make_tenant(program, CredentialKind.API))
        yield Installation(order, deployed, program, zone, peer, server, key)


def changed(order: Order, **settings: str) -> Order:
    """The same order with some settings more."""
    return replace(order, settings={**order.settings, **settings})


def settle(seconds: float) -> None:
    """Give the backend's own timers their time: nothing observable marks their end."""
    asyncio.run(asyncio.sleep(seconds))
