"""Which requests of the local front go to the tracking function, and that events and answers keep their shape."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from infra.local import deployed as deployment
from infra.local.deployed import Deployed
from infra.local.dns import Published, Zone
from infra.local.exchange import Request, Response
from infra.local.front import tracking
from infra.local.function_url import call, event_of
from infra.local.guard import FRONT_HEADER

TOKEN = "0123456789abcdefABCDEF"
TARGET = "track.posthorn.test"
# As the Lambda developer guide has them.
EVENT_FIELDS = {
    *("version", "routeKey", "rawPath", "rawQueryString", "headers"),
    *("requestContext", "isBase64Encoded"),
}
HTTP_FIELDS = {"method", "path", "protocol", "sourceIp", "userAgent"}


def get(path: str, host: str = "127.0.0.1:8000", **headers: str) -> Request:
    return Request("GET", path, {"host": host, **headers}, b"")


@pytest.fixture
def zone() -> Zone:
    published = [
        Published("CNAME", "track.demo.test", TARGET),
        Published("CNAME", "psrp.demo.test", "rp.posthorn.test"),
    ]
    made = Zone([], lambda: published, "psrp")
    made._look_again()
    return made


@pytest.mark.parametrize(
    ("path", "host", "expected"),
    [
        (f"/abcdef/{TOKEN}", "127.0.0.1:8000", True),
        (f"/img/abcdef/{TOKEN}?x=1", "localhost:8000", True),
        (f"/abcdef/{TOKEN}.", "127.0.0.1:8000", True),
        (f"/%61bcdef/%30{TOKEN[1:]}%29", "127.0.0.1:8000", True),
        ("/img/aaaaaa/xx", "127.0.0.1:8000", True),
        ("/img/aaaaaa/xx?src=1", "127.0.0.1:8000", True),
        ("/image", "127.0.0.1:8000", False),
        ("/", "track.demo.test", True),
        ("/_local/inbox", "TRACK.demo.test:8000", True),
        ("/anything", TARGET, True),
        ("/", "psrp.demo.test", False),
        (f"/abcdef/{TOKEN}", "psrp.demo.test", False),
        (f"/img/abcdef/{TOKEN}", "rebound.example.com", False),
        (f"/img/abcdef/{TOKEN}", "x@127.0.0.1:8000", False),
        ("/", "other.demo.test", False),
        ("/", "", False),
        ("/", "[broken", False),
        ("/_local/inbox", "127.0.0.1:8000", False),
        ("/api/v1/send/message", "127.0.0.1:8000", False),
        (f"/api/{TOKEN}", "127.0.0.1:8000", False),
        (f"/abcdef/{TOKEN}/x", "127.0.0.1:8000", False),
        (f"/abcdef/{TOKEN[1:]}", "127.0.0.1:8000", False),
    ],
)
def test_what_goes_to_the_tracking_function(
    zone: Zone, path: str, host: str, expected: bool
) -> None:
    answer = tracking(zone, TARGET, lambda _: Response(204))(get(path, host))
    assert (answer is not None) is expected


def test_a_track_domain_that_the_zone_has_not_seen_yet_is_looked_for_by_its_links() -> None:
    published: list[Published] = []
    zone = Zone([], lambda: published, "psrp")
    answer = tracking(zone, TARGET, lambda _: Response(204))
    link = get(f"/abcdef/{TOKEN}", "go.acme.test")
    assert answer(link) is None
    published.append(Published("CNAME", "go.acme.test", TARGET))
    assert answer(get("/", "go.acme.test")) is None
    assert answer(link) is not None
    assert answer(get("/", "go.acme.test")) is not None


def test_the_event_is_that_of_a_function_url() -> None:
    event = event_of(get("/abcdef/x?a=1&b=%20", **{"user-agent": "Reader/1"}), 1_800_000_000.5)
    assert set(event) == EVENT_FIELDS
    assert set(event["requestContext"]["http"]) == HTTP_FIELDS
    assert (event["rawPath"], event["rawQueryString"]) == ("/abcdef/x", "a=1&b=%20")
    assert event["requestContext"]["timeEpoch"] == 1_800_000_000_500
    assert event["requestContext"]["time"] == "15/Jan/2027:08:00:00 +0000"
    assert event["isBase64Encoded"] is False
    with_body = event_of(Request("POST", "/", {}, b"\xff"), 0.0)
    assert (with_body["body"], with_body["isBase64Encoded"]) == ("/w==", True)


def test_the_answer_keeps_its_bytes() -> None:
    def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
        body = base64.b64encode(b"\x89\xff").decode()
        headers = {"Content-Type": "image/png", "X-Path": event["rawPath"]}
        return {"statusCode": 200, "headers": headers, "body": body, "isBase64Encoded": True}

    answer = call(handler, get("/a"))
    assert (answer.status, answer.body) == (200, b"\x89\xff")
    assert dict(answer.headers) == {"Content-Type": "image/png", "X-Path": "/a"}
    large = Request("POST", "/", {}, b"x" * 5_000_000)
    assert call(handler, large).status == 413


@pytest.fixture
def emulator() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """An emulator that redirects, and what it was asked: host, target and the front's word."""
    asked: list[tuple[str, str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.headers["Host"], self.path, self.headers[FRONT_HEADER] or ""))
            self.send_response(307)
            self.send_header("Location", "https://acme.test/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()


def test_the_function_url_of_an_emulator_is_named_by_its_host(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    emulator: tuple[str, list[tuple[str, str, str]]],
) -> None:
    url, asked = emulator
    deployed = Deployed(tmp_path, url, "the word").tracking
    assert deployed(get("/a")).status == 503
    outputs = {"TrackingAddress": "https://abc.lambda-url.us-east-1.on.aws/"}
    monkeypatch.setattr(deployment, "what_stands", lambda _: {"outputs": outputs})
    answer = deployed(get("/a?b=1"))
    assert (answer.status, dict(answer.headers)["Location"]) == (307, "https://acme.test/")
    assert asked == [("abc.lambda-url.us-east-1.on.aws", "/a?b=1", "the word")]
    Deployed(tmp_path, url, "").tracking(get("/a", **{FRONT_HEADER: "a word of the reader's"}))
    assert asked[1] == ("abc.lambda-url.us-east-1.on.aws", "/a", "")
    assert Deployed(tmp_path, "http://127.0.0.1:9", "").tracking(get("/a")).status == 502
