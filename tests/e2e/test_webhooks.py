"""Events are posted to a web application by whatever works at lanes: one host's process, or deployed functions."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import standardwebhooks

from tests.e2e.stack import RunningStack, message, wait_for


class Application(ThreadingHTTPServer):
    """A web application that answers as told."""

    def __init__(self) -> None:
        self.posted: list[tuple[dict[str, str], bytes]] = []
        self.says = 200
        super().__init__(("127.0.0.1", 0), _Taking)

    @property
    def url(self) -> str:
        """Where it is posted to."""
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Keep fields and body."""
        application = self.server
        assert isinstance(application, Application)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        application.posted.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(application.says)
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


def test_a_sample_is_posted_and_a_replay_is_posted_by_whoever_works_at_lanes(
    stack: RunningStack, application: Application
) -> None:
    # Of what happens to others' mail meanwhile it gets nothing.
    wanted = {"url": application.url, "events": ["email.complained"]}
    webhook = manage(stack, "POST", "/webhooks", wanted)
    at = f"/webhooks/{webhook['id']}"
    attempt = manage(stack, "POST", f"{at}/test")
    assert (attempt["code"], attempt["error"]) == (200, None)
    ((headers, body),) = application.posted
    id, seconds = headers["webhook-id"], int(headers["webhook-timestamp"])
    # The stack's clock may have been moved, by which the library's own check would call it old.
    signed = standardwebhooks.Webhook(webhook["secret"]).sign(
        id, datetime.fromtimestamp(seconds, UTC), body.decode()
    )
    assert signed in headers["webhook-signature"].split()
    assert json.loads(body)["type"] == "webhook.test"

    listed = manage(stack, "GET", f"/webhook-deliveries?webhook={webhook['id']}")
    (brief,) = listed["data"]
    assert (brief["status"], brief["event_id"]) == ("delivered", id)
    application.says = 500
    manage(stack, "POST", f"/webhook-deliveries/{brief['id']}/replay", {})

    def replayed() -> Any:
        found = manage(stack, "GET", f"/webhook-deliveries/{brief['id']}")
        return found if len(found["attempts"]) == 2 else None

    found = wait_for(replayed, "the replay")
    assert [one["code"] for one in found["attempts"]] == [200, 500]
    assert found["attempts"][1]["replay"]
    assert found["status"] == "delivered"
    assert [one[0]["webhook-id"] for one in application.posted] == [id, id]
    assert application.posted[1][1] == body == found["payload"].encode()
    manage(stack, "DELETE", at)


def test_what_happens_to_a_message_is_posted_once(
    stack: RunningStack, application: Application
) -> None:
    webhook = manage(stack, "POST", "/webhooks", {"url": application.url})
    rcpt = "posted@example.test"
    stack.submit(rcpt, message(rcpt))

    def posted() -> Any:
        bodies = [json.loads(body) for _, body in application.posted]
        found = [one for one in bodies if one["type"] == "email.delivered"]
        return [one for one in found if one["data"]["email"]["to"] == rcpt]

    (event,) = wait_for(posted, "the event")
    assert event["server"] == "demo/demo"
    listed = manage(stack, "GET", f"/webhook-deliveries?webhook={webhook['id']}")["data"]
    assert event["id"] in {one["event_id"] for one in listed}
    manage(stack, "DELETE", f"/webhooks/{webhook['id']}")


def test_a_webhook_gets_all_that_happens_after_it_was_made(
    stack: RunningStack, application: Application
) -> None:
    """Whatever processes knew of the server's webhooks a moment before."""

    def posted(rcpt: str) -> Any:
        bodies = [json.loads(body) for _, body in application.posted]
        found = [one for one in bodies if one["type"] == "email.delivered"]
        return [one for one in found if one["data"]["email"]["to"] == rcpt]

    ids = []
    for number in range(3):
        application.posted.clear()
        ids.append(manage(stack, "POST", "/webhooks", {"url": application.url})["id"])
        rcpt = f"made-{number}@example.test"
        stack.submit(rcpt, message(rcpt))
        # All that there are, the newest too.
        wait_for(lambda rcpt=rcpt: len(posted(rcpt)) == len(ids), f"the events of {rcpt}")
    for id in ids:
        manage(stack, "DELETE", f"/webhooks/{id}")
