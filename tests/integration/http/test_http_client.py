"""Requests to web servers of every kind: what is sent, what comes back, and where nothing is sent at all."""

from __future__ import annotations

import base64
import ssl
from dataclasses import replace

import pytest

from chalicelib.adapters.network.http_client import H11HttpClient
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.config import Settings
from chalicelib.domain.http_exchange import HttpAnswer, HttpRequest
from chalicelib.domain.http_url import read_url
from tests.http_peer import HttpPeer
from tests.peers import certificate

OPEN = Settings(allow_private_destinations=True)
FOLDER, CERTIFICATE, KEY = certificate()
ZONE = {
    "app.test": {"A": ["127.0.0.1"]},
    "peer.test": {"A": ["127.0.0.1"]},
    "other.test": {"A": ["127.0.0.1"]},
}


def served_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    return context


async def post(
    url: str,
    settings: Settings = OPEN,
    resolver: ScriptedResolver | None = None,
    *,
    body: bytes = b"{}",
    seconds: float = 5,
) -> HttpAnswer:
    read = read_url(url)
    assert read is not None
    request = HttpRequest(read, (("Content-Type", "application/json"),), body, seconds)
    return await H11HttpClient(settings, resolver or ScriptedResolver(ZONE)).send(request)


async def test_a_request_and_its_answer() -> None:
    async with HttpPeer() as peer:
        answer = await post(peer.url("/in?a=1", "app.test"), body=b'{"a":1}')
    assert (answer.code, answer.body, answer.error, answer.text) == (200, b"ok", None, "ok")
    assert answer.remote == f"127.0.0.1:{peer.port}"
    assert answer.header("content-length") == "2"
    assert answer.tls is None
    timings = answer.timings
    assert None not in (timings.dns, timings.connect, timings.wait)
    assert timings.tls is None
    (heard,) = peer.requests
    assert heard.line == "POST /in?a=1 HTTP/1.1"
    assert heard.body == b'{"a":1}'
    assert heard.headers == {
        "host": f"app.test:{peer.port}",
        "content-type": "application/json",
        "content-length": "7",
        "connection": "close",
    }


async def test_user_info_becomes_basic_auth() -> None:
    async with HttpPeer() as peer:
        url = peer.url("/in", "app.test").replace("app.test", "joe:p%40ss@app.test")
        await post(url)
    pair = base64.b64encode(b"joe:p@ss").decode()
    assert peer.requests[0].headers["authorization"] == f"Basic {pair}"


async def test_large_bodies_are_sent_whole() -> None:
    async with HttpPeer() as peer:
        answer = await post(peer.url(), body=b"x" * 5_000_000)
    assert answer.code == 200
    assert len(peer.requests[0].body) == 5_000_000


async def test_redirects_are_answers() -> None:
    async with HttpPeer() as inner:
        moved = (
            f"HTTP/1.1 302 Found\r\nLocation: {inner.url()}\r\nContent-Length: 0\r\n\r\n".encode()
        )
        async with HttpPeer(moved) as peer:
            answer = await post(peer.url())
    assert answer.code == 302
    assert inner.connections == 0


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with HttpPeer() as proxy, HttpPeer() as peer:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url())
        assert (await post(peer.url())).code == 200
    assert (proxy.connections, peer.connections) == (0, 1)


async def test_a_certificate_of_the_authorities_in_the_file_is_verified_for_the_name() -> None:
    settings = replace(OPEN, ca_file=str(CERTIFICATE))
    async with HttpPeer(tls=served_tls()) as peer:
        answer = await post(peer.url("/", "peer.test"), settings)
        by_address = await post(peer.url("/"), settings)
        other = await post(peer.url("/", "other.test"), settings)
        strange = await post(peer.url("/", "peer.test"))
    assert answer.code == by_address.code == 200
    assert answer.tls is not None
    assert answer.tls.startswith("TLSv1.3 ")
    assert answer.timings.tls is not None
    assert (other.code, strange.code) == (-3, -3)
    assert "certificate is not valid" in other.text
    assert len(peer.requests) == 2


async def test_what_speaks_no_tls_is_code_3() -> None:
    async with HttpPeer(b"HTTP/1.1 400 Bad Request\r\n\r\n", reads=False) as peer:
        answer = await post(peer.url().replace("http:", "https:"))
    assert (answer.code, answer.text) == (-3, "TLS cannot be negotiated")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0x7f.1", "2130706433", "localhost", "app.test", "[::ffff:127.0.0.1]"]
)
async def test_closed_destinations_are_not_connected_to(host: str) -> None:
    async with HttpPeer() as peer:
        answer = await post(peer.url("/", host), Settings())
    assert (answer.code, answer.text) == (-4, "Blocked destination")
    assert peer.connections == 0


@pytest.mark.parametrize("allowed", ["127.0.0.0/8", "app.test", "127.0.0.1"])
async def test_what_the_operator_allows_is_open(allowed: str) -> None:
    async with HttpPeer() as peer:
        settings = Settings(allowed_destinations=allowed)
        assert (await post(peer.url("/", "app.test"), settings)).code == 200


async def test_a_name_with_one_closed_address_is_closed() -> None:
    zone = {"mixed.test": {"A": ["198.41.0.4", "127.0.0.1"]}}
    async with HttpPeer() as peer:
        answer = await post(peer.url("/", "mixed.test"), Settings(), ScriptedResolver(zone))
    assert answer.code == -4
    assert peer.connections == 0


class Rebinding(ScriptedResolver):
    """Another answer each time: first an open address, then a closed one."""

    async def addresses(self, host: str, *, whole: bool = False) -> tuple[str, ...]:
        self.asked.append((host, "A"))
        return ("127.0.0.2",) if len(self.asked) == 1 else ("127.0.0.1",)


async def test_the_address_that_was_looked_at_is_the_one_that_is_connected_to() -> None:
    resolver = Rebinding()
    settings = Settings(allowed_destinations="127.0.0.2")
    async with HttpPeer(address="127.0.0.2") as peer, HttpPeer(port=peer.port) as closed:
        first = await post(peer.url("/", "rebind.test"), settings, resolver)
        second = await post(peer.url("/", "rebind.test"), settings, resolver)
    assert (first.code, second.code) == (200, -4)
    assert len(resolver.asked) == 2
    assert (peer.connections, closed.connections) == (1, 0)


async def test_the_next_address_is_tried_when_one_refuses() -> None:
    zone = {"two.test": {"A": ["127.0.0.3", "127.0.0.1"]}}
    async with HttpPeer() as peer:
        answer = await post(peer.url("/", "two.test"), OPEN, ScriptedResolver(zone))
    assert answer.code == 200


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"SSH-2.0-secret\r\n\r\n", "The answer is not HTTP"),
        (b"220 mail.test ESMTP\r\n\r\n", "The answer is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nno field\r\n\r\n", "The answer is not HTTP"),
        (b"", "The connection was closed without an answer"),
    ],
)
async def test_what_is_no_answer_is_told_in_our_words(said: bytes, told: str) -> None:
    async with HttpPeer(said) as peer:
        answer = await post(peer.url())
    assert (answer.code, answer.text) == (-2, told)


async def test_names_without_an_address() -> None:
    resolver = ScriptedResolver({"none.test": {"MX": [(1, "x.test")]}, "away.test": {}})
    resolver.fail("away.test")
    assert (await post("http://none.test/", OPEN, resolver)).code == -2
    away = await post("http://away.test/", OPEN, resolver)
    assert (away.code, away.text) == (-2, "The name servers of away.test do not answer.")
