"""The health port on loopback: `/health` for whoever restarts what is broken, `/metrics` for Prometheus.

`/health` is 200 once the store made one transaction durable, and 503 when it did not within PATIENCE_SECONDS. Of the
metrics, messages and deliveries are those of the installation as its statistics have them, some seconds late and kept
over restarts; what is counted of store and connections is this process's own, since its start.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.segments import Segments
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import MailError
from chalicelib.domain.statistics import Count
from onehost.web.answers import send_content
from onehost.web.requests import Body, Held, Receive, Refusal, Scope, Send, read_head

if TYPE_CHECKING:
    import apsw

PATIENCE_SECONDS = 5.0
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_COUNTED = (
    "SELECT each.key, sum(each.value) FROM counters, json_each(counts) AS each"
    " WHERE period = 'day' GROUP BY each.key"
)
_QUEUED = "SELECT pool, count(*) FROM queue GROUP BY pool"
_MESSAGES = {Count.INCOMING: "incoming", Count.OUTGOING: "outgoing"}
_DELIVERIES = {
    Count.SENT: "Sent",
    Count.SOFT_FAILS: "SoftFail",
    Count.HARD_FAILS: "HardFail",
    Count.HELD: "Held",
    Count.BOUNCES: "Bounced",
}

Gauge = Callable[[], float]
Samples = Mapping[str, float]  # by the labels


class Health:
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
            is_well = await is_healthy(self._program)
            text = json.dumps({"status": "ok" if is_well else "unavailable"})
            return (200 if is_well else 503), "application/json", text
        if path == "/metrics":
            return 200, _TEXT, "".join(await asyncio.to_thread(self._metrics))
        return 404, "text/plain", "There is /health and /metrics\n"

    def _metrics(self) -> list[str]:
        """Every metric. Runs in a thread: it reads as much as there are servers and waiting jobs."""
        mail, control = self._program[MailDatabase], self._program[ControlDatabase]
        counted = {Count(name): n for name, n in mail.read(lambda db: fetched(db, _COUNTED))}
        queued = mail.read(lambda db: fetched(db, _QUEUED))
        stores = {"mail": mail, "control": control}

        def of_stores(name: str) -> Samples:
            return {f'database="{store}"': getattr(one, name) for store, one in stores.items()}

        synced = {**of_stores("syncs"), 'database="bodies"': self._program[Segments].syncs}
        open_now = {f'listener="{name}"': count() for name, count in self._connections.items()}
        return [
            *_metric(
                "messages_total", "counter", "Accepted.", _shares("direction", _MESSAGES, counted)
            ),
            *_metric(
                "deliveries_total", "counter", "By status.", _shares("status", _DELIVERIES, counted)
            ),
            *_metric(
                "queue_jobs", "gauge", "Waiting.", {f'pool="{pool}"': n for pool, n in queued}
            ),
            *_metric("connections", "gauge", "Open now.", open_now),
            *_metric("store_operations_total", "counter", "Asked for.", of_stores("operations")),
            *_metric("store_transactions_total", "counter", "Made.", of_stores("transactions")),
            *_metric("store_waiting", "gauge", "Operations that wait.", of_stores("waiting")),
            *_metric("store_fsyncs_total", "counter", "Checkpoints left out.", synced),
        ]


async def is_healthy(program: Posthorn) -> bool:
    """Whether the store can make a transaction durable now."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await program[MailDatabase].write(_touch)
    except (MailError, TimeoutError):
        return False
    return True


def _touch(db: apsw.Connection) -> None:
    """Write what is there already: the number of the schema."""
    ((version,),) = fetched(db, "PRAGMA user_version")
    fetched(db, f"PRAGMA user_version={int(version)}")


def _shares(label: str, names: Mapping[Count, str], counted: Mapping[Count, Any]) -> Samples:
    return {f'{label}="{name}"': counted.get(count, 0) for count, name in names.items()}


def _metric(name: str, kind: str, text: str, samples: Samples) -> Iterator[str]:
    """One metric in Prometheus' text format. Label values are names of ours, which need no escapes."""
    yield f"# HELP posthorn_{name} {text}\n# TYPE posthorn_{name} {kind}\n"
    for labels, value in samples.items():
        yield (
            f"posthorn_{name}{{{labels}}} {value:g}\n"
            if value % 1
            else f"posthorn_{name}{{{labels}}} {int(value)}\n"
        )
