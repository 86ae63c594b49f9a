"""Strangers are asked more where the settings say so: block lists, a first contact, a rate (api.md 4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.config import Settings
from chalicelib.domain.dns.block_lists import is_listing, reversed_name
from chalicelib.services.incoming.strangers import network_of
from gateway.configuration import Role
from tests.gateway_scene import HOST, Client, RunningGateway, running_gateway
from tests.incoming_mail import add_route
from tests.worlds import make_scene

CONTENT = b"Subject: Hello\r\n\r\nHello\r\n"


@asynccontextmanager
async def asking(**settings: object) -> AsyncIterator[RunningGateway]:
    scene = await make_scene(Settings(smtp_hostname=HOST, **settings))  # type: ignore[arg-type]
    await add_route(scene, "*")
    async with running_gateway(scene=scene, proxy_networks="127.0.0.0/8") as gateway:
        yield gateway


async def from_address(gateway: RunningGateway, address: str, role: Role = Role.MX) -> Client:
    client = await gateway.connect(role, greet=False)
    await client.send(f"PROXY TCP4 {address} 127.0.0.1 4711 25\r\n".encode())
    assert (await client.reply()).code == 220
    await client.say("EHLO far.test")
    return client


async def rcpt(client: Client, to: str = "a@acme.test", sender: str = "jane@far.test") -> str:
    await client.say("RSET")
    return str(await client.envelope(to, mail_from=sender))


async def test_a_client_that_a_list_names_is_refused() -> None:
    async with asking(dnsbls="bl.test,narrow.test=127.0.0.9") as gateway:
        zone = gateway.scene.posthorn[ScriptedResolver].zone
        zone["1.2.0.192.bl.test"] = {"A": ["127.0.0.2"]}
        zone["2.2.0.192.bl.test"] = {"A": ["127.255.255.254"]}
        zone["2.2.0.192.narrow.test"] = {"A": ["127.0.0.2"]}
        zone["3.2.0.192.narrow.test"] = {"A": ["127.0.0.9"]}
        listed = await from_address(gateway, "192.0.2.1")
        assert await rcpt(listed) == "550 5.7.1 Your address is listed by bl.test"
        assert (await rcpt(await from_address(gateway, "192.0.2.2")))[:3] == "250"
        narrow = await from_address(gateway, "192.0.2.3")
        assert await rcpt(narrow) == "550 5.7.1 Your address is listed by narrow.test"


async def test_who_has_authenticated_is_no_stranger() -> None:
    async with asking(dnsbls="bl.test", greylist_seconds=60) as gateway:
        gateway.scene.posthorn[ScriptedResolver].zone["1.0.0.127.bl.test"] = {"A": ["127.0.0.2"]}
        own = f"{gateway.scene.server.token}@rp.posthorn.example.com"
        client = await from_address(gateway, "127.0.0.1")
        assert (await rcpt(client, own))[:3] == "550"
        assert (await client.say("RSET")).code == 250
        assert (await client.log_in(gateway.key)).code == 235
        assert (await rcpt(client, own))[:3] == "250"


async def test_a_first_contact_is_told_to_come_back() -> None:
    async with asking(greylist_seconds=300) as gateway:
        client = await from_address(gateway, "192.0.2.1")
        assert await rcpt(client) == "451 4.7.1 Greylisted, try again later"
        gateway.scene.clock.advance(299)
        assert (await rcpt(client))[:3] == "451"
        gateway.scene.clock.advance(2)
        assert (await rcpt(await from_address(gateway, "192.0.2.77")))[:3] == "250"
        assert (await rcpt(client, "A@acme.test"))[:3] == "250"
        assert (await rcpt(client, "b@acme.test"))[:3] == "451"
        assert (await rcpt(client, sender=""))[:3] == "451"
        assert (await rcpt(await from_address(gateway, "192.0.3.1")))[:3] == "451"
        rows = gateway.scene.posthorn[MailDatabase].read(
            lambda db: fetched(db, "SELECT name FROM greylist")
        )
        assert len(rows) == 4
        assert all(len(name) == 64 and "acme" not in name for (name,) in rows)


async def test_messages_of_one_address_are_counted() -> None:
    async with asking(mx_rate=2) as gateway:
        client = await from_address(gateway, "192.0.2.1")
        for _ in range(2):
            assert (await client.envelope("a@acme.test", "b@acme.test")).code == 250
            assert (await client.data(CONTENT)).code == 250
        assert await rcpt(client) == (
            "451 4.7.0 Too many messages from your address, try again later"
        )
        assert (await rcpt(await from_address(gateway, "192.0.2.2")))[:3] == "250"
        gateway.scene.clock.advance(61)
        assert (await rcpt(client))[:3] == "250"


async def test_what_greylisting_refused_is_not_counted() -> None:
    async with asking(mx_rate=2, greylist_seconds=300) as gateway:
        client = await from_address(gateway, "192.0.2.1")
        for _ in range(5):
            assert (await rcpt(client))[:9] == "451 4.7.1"
        gateway.scene.clock.advance(301)
        for _ in range(5):
            assert (await rcpt(client, "b@acme.test"))[:9] == "451 4.7.1"
        for _ in range(2):
            assert (await rcpt(client))[:3] == "250"
        assert (await rcpt(client))[:9] == "451 4.7.0"


@pytest.mark.parametrize(
    ("addresses", "wanted", "listed"),
    [
        ((), (), False),
        (("127.0.0.1",), (), True),
        (("192.0.2.1",), (), False),
        (("::1",), (), False),
        (("127.255.255.1",), (), False),
        (("192.0.2.1", "127.0.0.4"), (), True),
        (("127.0.0.4",), ("127.0.0.2",), False),
        (("127.0.0.4",), ("127.0.0.2", "127.0.0.4"), True),
    ],
)
def test_what_counts_as_a_listing(
    addresses: tuple[str, ...], wanted: tuple[str, ...], listed: bool
) -> None:
    assert is_listing(addresses, wanted) is listed


def test_names_and_networks_of_clients() -> None:
    assert reversed_name("192.0.2.1") == "1.2.0.192"
    assert reversed_name("2001:db8::1").startswith("1.0.0.0.")
    assert network_of("192.0.2.77", 24) == "192.0.2.0/24"
    assert network_of("2001:db8:1:2:3::4", 24) == "2001:db8:1:2::/64"


async def test_who_was_met_before_the_clock_was_set_back_does_not_wait_for_it() -> None:
    async with asking(greylist_seconds=300) as gateway:
        client = await from_address(gateway, "192.0.2.1")
        assert (await rcpt(client))[:3] == "451"
        gateway.scene.clock.advance(-86_400)
        assert (await rcpt(client))[:3] == "250"
        assert (await rcpt(client, "b@acme.test"))[:3] == "451"
