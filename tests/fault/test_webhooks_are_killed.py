"""`posthorn serve` posts to webhooks; killed in the midst of it, again and again, it loses no event.

Each event keeps its id, and only what was under way comes twice.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from chalicelib.domain.tenancy.webhooks import WEBHOOKS
from chalicelib.domain.webhooks.delivery import DeliveryFilter, DeliveryStatus
from chalicelib.ports.repository import Repository
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.webhooks.fan_out import FanOut
from tests.dns_zone import DnsZone
from tests.one_host import OneHost
from tests.peers import SmtpPeer
from tests.webhook_events import a_webhook, an_event

EVENTS, KILLS = 300, 3


class Application(ThreadingHTTPServer):
    """A web application that notes the ids of events, and takes a moment for each."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Noting)
        self.heard: Counter[str] = Counter()
        self.lock = threading.Lock()


class _Noting(BaseHTTPRequestHandler):
    server: Application

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(0.02)
        with self.server.lock:
            self.server.heard[self.headers["webhook-id"]] += 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening() -> Iterator[Application]:
    application = Application()
    thread = threading.Thread(target=application.serve_forever)
    thread.start()
    try:
        yield application
    finally:
        application.shutdown()
        thread.join()
        application.server_close()


def test_no_event_is_lost_by_killed_processes(tmp_path: Path) -> None:
    with (
        DnsZone() as zone,
        SmtpPeer().in_thread() as peer,
        listening() as application,
        OneHost(tmp_path, zone, peer, ALLOW_PRIVATE_DESTINATIONS="1") as host,
    ):
        url = f"http://8.8.8.8:{application.server_port}/hook"
        events = [an_event(host.server.id, number) for number in range(EVENTS)]

        async def happens() -> None:
            webhook = await a_webhook(host.program, host.server, url)
            here = replace(webhook, url=url.replace("8.8.8.8", "127.0.0.1"))
            await host.program[Repository].replace(WEBHOOKS, here)
            assert await host.program[FanOut].take(host.server.id, events) == EVENTS

        asyncio.run(happens())
        for kill in range(1, KILLS + 1):
            host.until(lambda least=kill * 20: len(application.heard) >= least)  # type: ignore[misc]
            host.kill_processes()
        wanted = DeliveryFilter(status=DeliveryStatus.DELIVERED)

        def delivered() -> bool:
            store, total, cursor = host.program[WebhookDeliveries], 0, None
            while True:
                page = asyncio.run(store.page(host.server.id, wanted, 100, cursor))
                total += len(page.values)
                if (cursor := page.next_cursor) is None:
                    return total == EVENTS

        host.until(delivered)
        assert application.heard.keys() == {one.id for one in events}
        # What was under way when a process died comes again, and no more than that.
        assert sum(application.heard.values()) - EVENTS <= KILLS * 10
