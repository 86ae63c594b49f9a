"""Mail for a domain of the demo server comes in by SMTP and ends where its route says."""

from __future__ import annotations

import json
import smtplib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chalicelib.domain.ids import read_token
from tests.e2e.stack import RunningStack, wait_for
from tests.patience import PATIENCE


class Application(ThreadingHTTPServer):
    """A customer's program, which keeps what is posted to it."""

    def __init__(self) -> None:
        self.posted: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Taking)

    @property
    def url(self) -> str:
        """Where it is posted to."""
        return f"http://127.0.0.1:{self.server_address[1]}/mail"


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Keep the body."""
        application = self.server
        assert isinstance(application, Application)
        application.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def application() -> Iterator[Application]:
    with Application() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def manage(stack: RunningStack, method: str, path: str, body: object = None) -> Any:
    """A request for the demo server with the installation's key."""
    headers = {"Authorization": f"Bearer {stack.facts['management_key']}"}
    headers["Posthorn-Tenant"] = "demo/demo"
    status, answer = stack.request(method, f"/api/v2{path}", body, headers)
    assert status < 300, (status, answer)
    return json.loads(answer) if answer else None


def send(stack: RunningStack, rcpt: str, subject: str) -> int:
    """Bring a message to the port for incoming mail; the number that it has."""
    smtp = stack.facts["smtp"]
    content = f"From: jane@far.test\r\nSubject: {subject}\r\n\r\nHello\r\n".encode()
    with smtplib.SMTP(smtp["host"], smtp["mx"], "mx.far.test", timeout=PATIENCE) as client:
        client.ehlo()
        assert client.mail("jane@far.test")[0] == 250
        code, said = client.rcpt(rcpt)
        assert code == 250, said
        code, said = client.data(content)
        assert code == 250, said
    numbers = read_token(said.split()[-1].decode())
    assert numbers is not None
    return numbers[1]


def test_a_message_is_posted_to_an_application(
    stack: RunningStack, application: Application
) -> None:
    endpoint = {"type": "http", "name": "application", "url": application.url}
    made = manage(stack, "POST", "/endpoints", endpoint)
    route = {"name": "shop", "domain": "demo.test", "endpoint": made["id"]}
    manage(stack, "POST", "/routes", route)
    number = send(stack, "shop+7@demo.test", "An order")
    wait_for(lambda: application.posted, "a request")
    assert b"An order" in application.posted[0]
    wait_for(lambda: manage(stack, "GET", f"/emails/{number}")["status"] == "Sent", "Sent")


def test_a_message_is_taken_and_done_with(stack: RunningStack) -> None:
    manage(stack, "POST", "/routes", {"name": "quiet", "domain": "demo.test", "mode": "Accept"})
    number = send(stack, "quiet@demo.test", "Hello")
    wait_for(
        lambda: manage(stack, "GET", f"/emails/{number}")["status"] == "Processed", "Processed"
    )


def test_a_name_without_a_route_is_refused(stack: RunningStack) -> None:
    manage(stack, "POST", "/routes", {"name": "some", "domain": "demo.test", "mode": "Accept"})
    with pytest.raises(AssertionError, match=r"5\.1\.1 No such recipient"):
        send(stack, "nobody-at-all@demo.test", "Hello")
