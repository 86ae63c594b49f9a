"""What every family's client for web servers keeps to; tests/integration/http has what servers do to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.adapters.families import FAMILIES
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.http_exchange import HttpRequest
from chalicelib.domain.http_url import read_url
from chalicelib.ports.http_client import HttpClient
from chalicelib.ports.resolver import Resolver
from tests.http_peer import HttpPeer

Clients = Callable[[Settings], HttpClient]


@pytest.fixture(params=FAMILIES)
def client(request: pytest.FixtureRequest) -> Clients:
    resolver = ScriptedResolver({"app.test": {"A": ["127.0.0.1"]}})

    def made(settings: Settings) -> HttpClient:
        return Posthorn(settings, request.param, {Resolver: resolver})[HttpClient]

    return made


def request_to(url: str) -> HttpRequest:
    read = read_url(url)
    assert read is not None
    return HttpRequest(read, (("X-Odd", "y"),), b"body", 5)


async def test_what_is_answered_comes_back(client: Clients) -> None:
    async with HttpPeer() as peer:
        answer = await client(Settings(allow_private_destinations=True)).send(
            request_to(peer.url("/in", "app.test"))
        )
    assert (answer.code, answer.body) == (200, b"ok")
    assert peer.requests[0].headers["x-odd"] == "y"
    assert peer.requests[0].body == b"body"


async def test_what_is_closed_is_not_connected_to(client: Clients) -> None:
    async with HttpPeer() as peer:
        answer = await client(Settings()).send(request_to(peer.url("/in", "app.test")))
    assert (answer.code, answer.error) == (-4, "Blocked destination")
    assert peer.connections == 0


async def test_what_the_operator_chose_may_be_private(client: Clients) -> None:
    async with HttpPeer() as peer:
        request = replace(request_to(peer.url("/in", "app.test")), may_be_private=True)
        answer = await client(Settings()).send(request)
    assert (answer.code, answer.body) == (200, b"ok")


async def test_something_may_be_fetched(client: Clients) -> None:
    async with HttpPeer() as peer:
        request = replace(request_to(peer.url("/keys", "app.test")), body=b"", method="GET")
        answer = await client(Settings(allow_private_destinations=True)).send(request)
    assert answer.code == 200
    assert peer.requests[0].line == "GET /keys HTTP/1.1"
    assert "content-length" not in peer.requests[0].headers


async def test_nothing_that_the_world_does_is_raised(client: Clients) -> None:
    opened = client(Settings(allow_private_destinations=True))
    async with HttpPeer(b"garbage") as peer:
        assert (await opened.send(request_to(peer.url("/")))).code == -2
    assert (await opened.send(request_to(peer.url("/")))).code == -2
    assert (await opened.send(request_to("http://nowhere.test/"))).code == -2
