"""A crowd at one listener leaves the others open, and strangers that only stand there make way (A17)."""

from __future__ import annotations

import asyncio
from itertools import permutations

import pytest

from gateway.configuration import Role
from tests.gateway_scene import Client, RunningGateway, running_gateway, trusting_context
from tests.patience import PATIENCE

FULL = b"421 4.7.0 Too many connections, try again later\r\n"


async def stranger(gateway: RunningGateway, role: Role, number: int) -> Client | None:
    """A silent connection from an address of its own; None when it is turned away."""
    opened = await asyncio.open_connection(
        "127.0.0.1", gateway.port(role), local_addr=(f"127.1.{number // 250}.{number % 250 + 1}", 0)
    )
    client = Client(*opened)
    gateway._clients.append(client)
    if role is not Role.SUBMISSIONS:
        line = await asyncio.wait_for(client.reader.readline(), PATIENCE)
        return client if line.startswith(b"220 ") else None
    try:
        async with asyncio.timeout(PATIENCE):
            await client.writer.start_tls(trusting_context())
            await client.reader.readline()
    except (ConnectionError, OSError):
        return None
    return client


async def crowd(gateway: RunningGateway, role: Role) -> int:
    """Open silent connections to a listener until one is turned away; how many it took."""
    for number in range(100):
        if await stranger(gateway, role, number) is None:
            return number
    raise AssertionError("the listener has no limit")


@pytest.mark.parametrize("order", list(permutations(Role)), ids="-".join)
async def test_no_two_listeners_keep_the_third_from_being_reached(order: tuple[Role, ...]) -> None:
    first, second, third = order
    async with running_gateway(max_connections=20, listener_share=0.2) as gateway:
        assert await crowd(gateway, first) == 12  # its own fifth, and what is kept for none
        assert await crowd(gateway, second) == 4
        client = await gateway.connect(third)
        assert (await client.log_in(gateway.key)).code == 235
        refused = gateway.events("connection_refused")
        assert {entry["reason"] for entry in refused} == {"total"}
        assert {entry["role"] for entry in refused} == {first, second}


async def test_a_listener_that_is_alone_has_all_connections() -> None:
    async with running_gateway(
        max_connections=10, mx_port=-1, submissions_port=-1, listener_share=0.2
    ) as gateway:
        assert await crowd(gateway, Role.SUBMISSION) == 10


async def test_strangers_make_way_in_a_crowd_and_known_clients_stay() -> None:
    async with running_gateway(max_connections=20, crowded_seconds=0.5) as gateway:
        known = await gateway.logged_in()
        quiet = await gateway.connect()
        assert (await quiet.say("EHLO me.test")).code == 250
        assert await crowd(gateway, Role.MX) == 12
        assert await quiet.rest() == b"421 4.4.2 Timed out waiting for the client\r\n"
        async with asyncio.timeout(PATIENCE):
            while gateway.gateway.open.total > 10:  # half is no crowd
                await asyncio.sleep(0.02)
        assert await stranger(gateway, Role.MX, 200) is not None
        assert (await known.submit()).code == 250


async def test_a_stranger_alone_may_take_its_time() -> None:
    async with running_gateway(crowded_seconds=0.2) as gateway:
        client = await gateway.connect()
        await asyncio.sleep(1.5)  # its time has been looked at more than once
        assert (await client.log_in(gateway.key)).code == 235


async def test_strangers_of_one_client_make_way_for_its_others() -> None:
    async with running_gateway(max_connections_per_client=6, crowded_seconds=0.5) as gateway:
        for _ in range(6):
            await gateway.connect()
        refused = await gateway.connect(greet=False)
        assert await refused.rest() == FULL
        async with asyncio.timeout(PATIENCE):
            while gateway.gateway.open.total > 3:
                await asyncio.sleep(0.02)
        assert (await (await gateway.logged_in()).submit()).code == 250


@pytest.mark.parametrize("role", [Role.MX, Role.SUBMISSION])
async def test_what_a_listener_refuses_is_said_and_logged(role: Role) -> None:
    async with running_gateway(max_connections=1, listener_share=0.0) as gateway:
        await gateway.connect(Role.SUBMISSIONS)
        client = await gateway.connect(role, greet=False)
        assert await client.rest() == FULL
        assert [entry["role"] for entry in gateway.events("connection_refused")] == [role]
