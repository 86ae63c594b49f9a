"""What the local stack sends to its own gateway begins with a PROXY header where the gateway asks for one."""

from __future__ import annotations

import asyncio
import smtplib

import pytest

from gateway.configuration import Role
from infra.local.gateway_client import VARIABLE, GatewayClient, must_say_who
from tests.gateway_scene import running_gateway
from tests.patience import PATIENCE


@pytest.mark.parametrize("networks", ["", "127.0.0.0/8", "192.0.2.0/24, 127.0.0.1"])
async def test_a_connection_says_who_it_is_of(
    networks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, networks)
    async with running_gateway(proxy_networks=networks) as gateway:
        port = gateway.port(Role.MX)

        def greet(kind: type[smtplib.SMTP]) -> int:
            with kind("127.0.0.1", port, timeout=PATIENCE) as client:
                return client.ehlo()[0]

        assert await asyncio.to_thread(greet, GatewayClient) == 250
        if networks:
            with pytest.raises(smtplib.SMTPException):
                await asyncio.to_thread(greet, smtplib.SMTP)


@pytest.mark.parametrize(
    ("networks", "must"),
    [("", False), ("192.0.2.0/24", False), ("127.0.0.1", True), ("x,127.0.0.0/8", True)],
)
def test_which_networks_count(networks: str, must: bool) -> None:
    assert must_say_who("127.0.0.1", networks) is must
