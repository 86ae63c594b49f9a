"""What the front hands on to a deployed API and to the function of views: without the stage, and with the host."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from infra.local import deployed as deployment
from infra.local.deployed import FORWARDED_HOST, Deployed, without_stage
from infra.local.exchange import Request

HOST = "localhost:8000"
VIEWS = "abc.lambda-url.us-east-1.on.aws"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/api/login", "/login"),
        ("/api/login?return_to=/api/x", "/login?return_to=/api/x"),
        ("/api/", "/"),
        ("/api", "/"),
        ("/api?x=1", "/?x=1"),
        ("/api/static/posthorn-1.css", "/static/posthorn-1.css"),
        ("/api/org/api/servers/api", "/org/api/servers/api"),
        ("/api/api/v2/emails", "/api/v2/emails"),
        ("/api/v2/emails", "/api/v2/emails"),
        ("/api/v1/send/message?x=1", "/api/v1/send/message?x=1"),
        ("/api/v2", "/api/v2"),
        ("/api/v2x", "/v2x"),
        ("/apis/login", "/apis/login"),
        ("/login", "/login"),
        ("/", "/"),
    ],
)
def test_pages_have_the_stage_in_front_and_the_api_has_not(target: str, expected: str) -> None:
    assert without_stage(target, "api") == expected


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Deployed, list[Any]]]:
    """A front, and what the emulator behind it was asked: target, host and forwarded host."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Host"], self.headers[FORWARDED_HOST]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    stands = {
        "api": f"{url}/restapis/x1/api/_user_request_",
        "outputs": {"ViewAddress": f"https://{VIEWS}/"},
    }
    monkeypatch.setattr(deployment, "what_stands", lambda _: stands)
    yield Deployed(tmp_path, url, ""), asked
    server.shutdown()
    server.server_close()


def test_pages_are_asked_at_the_host_that_the_browser_named(
    front: tuple[Deployed, list[Any]],
) -> None:
    deployed, asked = front
    assert deployed.app(Request("GET", "/api/login", {"host": HOST}, b"")).status == 200
    assert asked == [("/restapis/x1/api/_user_request_/login", HOST, None)]


def test_views_are_asked_of_their_function_and_know_the_host(
    front: tuple[Deployed, list[Any]],
) -> None:
    deployed, asked = front
    said = {"host": HOST, FORWARDED_HOST: "made-up.test"}
    assert deployed.app(Request("GET", "/view/abc", said, b"")).status == 200
    assert asked == [("/view/abc", VIEWS, HOST)]


def test_nothing_is_asked_while_nothing_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(deployment, "what_stands", lambda _: None)
    deployed = Deployed(tmp_path, "http://127.0.0.1:9", "")
    for path in ("/view/abc", "/login"):
        assert deployed.app(Request("GET", path, {"host": HOST}, b"")).status == 503
