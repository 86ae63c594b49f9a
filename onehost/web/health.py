"""The health port on loopback: `/health` for whoever restarts what is broken, `/metrics` for Prometheus.

Both answer as the API does; `/health` also names the processes that the supervisor knows not to serve. The metrics of
the installation come with those of store and connections, which are this process's own, since its start.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.segments import Segments
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.prometheus import CONTENT_TYPE, Samples, metric
from chalicelib.services.events.metrics import Metrics
from chalicelib.services.health import Health
from onehost.serving import failing as silent_processes
from onehost.web.answers import send_content
from onehost.web.requests import Body, Held, Receive, Refusal, Scope, Send, read_head

Gauge = Callable[[], float]


class HealthPort:
    """The ASGI application of the health port. `connections` says by listener how many are open."""

    def __init__(self, program: Posthorn, connections: Mapping[str, Gauge] | None = None) -> None:
        self._program = program
        self._connections = connections or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            head = read_head(scope, ())
        except Refusal as refusal:
            await send_content(send, refusal.status, [], b"", None)
            return
        status, kind, text = await self._answer(head.path)
        content = text.encode()
        fields = [
            (b"Content-Type", kind.encode()),
            (b"Content-Length", str(len(content)).encode()),
            (b"Cache-Control", b"no-store"),
        ]
        await send_content(send, status, fields, content, Body(receive, head, Held()))

    async def _answer(self, path: str) -> tuple[int, str, str]:
        if path == "/health":
            failing = list(await self._program[Health].failing())
            # Whoever answers here is number 0.
            others = silent_processes(self._program[StateFolder].run)
            failing += [f"process {one}" for one in others if one]
            told = {"status": "degraded", "failing": failing} if failing else {"status": "ok"}
            return (503 if failing else 200), "application/json", json.dumps(told)
        if path == "/metrics":
            shared = await self._program[Metrics].text()
            return 200, CONTENT_TYPE, shared + "".join(self._own())
        return 404, "text/plain", "There is /health and /metrics\n"

    def _own(self) -> Iterator[str]:
        """What is counted of this process."""
        mail, control = self._program[MailDatabase], self._program[ControlDatabase]
        stores = {"mail": mail, "control": control}

        def of_stores(name: str) -> Samples:
            return {f'database="{store}"': getattr(one, name) for store, one in stores.items()}

        synced = {**of_stores("syncs"), 'database="bodies"': self._program[Segments].syncs}
        open_now = {f'listener="{name}"': count() for name, count in self._connections.items()}
        yield from metric("connections", "gauge", "Open now.", open_now)
        yield from metric(
            "store_operations_total", "counter", "Asked for.", of_stores("operations")
        )
        yield from metric("store_transactions_total", "counter", "Made.", of_stores("transactions"))
        yield from metric("store_waiting", "gauge", "Operations that wait.", of_stores("waiting"))
        yield from metric("store_fsyncs_total", "counter", "Checkpoints left out.", synced)
