"""The Python client's transport over real connections: what is kept, and what ends in time."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gateway.tls import make_pair
from posthorn_client import AnswerTooLarge, HttpTransport, Unreachable
from posthorn_client.transport import Sent
from tests.certificates import Pair, PairFiles
from tests.patience import PATIENCE

Talk = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\n{}"
GET = Sent("GET", "/x", {"Accept": "*/*"}, repeatable=True)


def heard(connection: socket.socket) -> bytes:
    """One request without a body."""
    found = b""
    while not found.endswith(b"\r\n\r\n"):
        part = connection.recv(65_536)
        if not part:
            return found
        found += part
    return found


@contextmanager
def listening(*talks: Talk) -> Iterator[tuple[str, list[bytes]]]:
    """A server that has one of these talks with each connection, in turn."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)

        def serve() -> None:
            for talk in talks:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    seen.append(heard(connection))
                    try:
                        talk(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", seen
    thread.join(PATIENCE)


def says(*octets: bytes) -> Talk:
    return lambda connection: connection.sendall(b"".join(octets))


def test_a_connection_is_kept_for_the_next_request() -> None:
    def twice(connection: socket.socket) -> None:
        connection.sendall(OK)
        heard(connection)
        connection.sendall(OK)

    with listening(twice) as (url, seen):
        transport = HttpTransport(f"{url}/stage/")
        for _ in range(2):
            answer = transport.send(GET)
            assert (answer.status, answer.body, answer.headers["x-a"]) == (200, b"{}", "b")
        transport.close()
    assert seen[0].startswith(b"GET /stage/x HTTP/1.1\r\n")


def test_a_kept_connection_that_ended_is_replaced() -> None:
    with listening(says(OK), says(OK)) as (url, seen):
        transport = HttpTransport(url)
        assert transport.send(GET).status == 200
        assert transport.send(GET).status == 200
        transport.close()
    assert len(seen) == 2


def test_what_does_harm_twice_gets_a_connection_of_its_own() -> None:
    with listening(says(OK), says(b"")) as (url, seen):
        transport = HttpTransport(url)
        transport.send(GET)
        with pytest.raises(Unreachable):
            transport.send(Sent("DELETE", "/x", {}))
        transport.close()
    assert len(seen) == 2


def test_an_answer_that_ends_with_its_connection_is_read() -> None:
    with listening(says(b"HTTP/1.0 200 OK\r\n\r\nall of it")) as (url, _):
        assert HttpTransport(url).send(GET).body == b"all of it"


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", OK[:-1].replace(b": 2", b": 999")])
def test_a_slow_answer_ends_in_time(start: bytes) -> None:
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        while not stop.wait(0.05):
            connection.sendall(b"x")

    with listening(drip) as (url, _):
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"no answer in time|timed out"):
            HttpTransport(url, timeout=0.4).send(GET)
        assert time.monotonic() - began < 5
        stop.set()


def test_an_answer_has_a_largest_size() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
    with (
        listening(says(head, b"x" * 300_000)) as (url, _),
        pytest.raises(AnswerTooLarge, match="100000 bytes"),
    ):
        HttpTransport(url, largest_answer=100_000).send(GET)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SSH-2.0\r\n",
        b"HTTP/1.1 xyz\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
    ],
)
def test_what_is_no_answer_is_said(text: bytes) -> None:
    with listening(says(text)) as (url, _), pytest.raises(Unreachable, match="cannot be reached"):
        HttpTransport(url).send(Sent("DELETE", "/x", {}))


def test_nobody_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable, match="Connection refused"):
        HttpTransport(f"http://127.0.0.1:{port}").send(GET)


@pytest.mark.parametrize(
    "url",
    ["", "mail.example.com", "ftp://a.test", "http://", "https://u:p@a.test", "http://a.test/?x=1"],
)
def test_an_address_of_something_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address must"):
        HttpTransport(url)


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with listening(says(OK)) as (url, _):
        transport = HttpTransport(url)
        assert transport.send(GET).status == 200
        transport.close()


def test_another_address_gets_no_key() -> None:
    with listening(says(OK)) as (url, seen):
        assert HttpTransport("http://api.invalid").fetch(f"{url}/file?a=b").body == b"{}"
    assert seen[0].startswith(b"GET /file?a=b ")
    assert b"uthorization" not in seen[0]
    for wrong in ("", "file:///etc/passwd", "//x"):
        with pytest.raises(Unreachable):
            HttpTransport("http://api.invalid").fetch(wrong)
    with pytest.raises(Unreachable, match="without it"):
        HttpTransport("https://api.invalid").fetch(url)


def test_certificates_are_checked(tmp_path: Path) -> None:
    files = PairFiles(tmp_path)
    files.replace(Pair(*make_pair("localhost", time.time())))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)

    def serve(server: socket.socket) -> None:
        for _ in range(2):
            with (
                server.accept()[0] as connection,
                suppress(OSError),
                context.wrap_socket(connection, server_side=True) as inner,
            ):
                heard(inner)
                inner.sendall(OK)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(Unreachable, match="certificate"):
            HttpTransport(url).send(GET)
        believing = ssl.create_default_context(cafile=str(files.certificate))
        believing.check_hostname = False
        transport = HttpTransport(url, context=believing)
        assert transport.send(GET).body == b"{}"
        transport.close()
        thread.join(PATIENCE)
