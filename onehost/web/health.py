"""The health port on loopback: `/health` for whoever restarts what is broken, `/metrics` for Prometheus, `/tls/ask` for
whoever stands in front and obtains certificates.

The first two answer as the API does; `/health` also names the processes that the supervisor knows not to serve. The
metrics of the installation come with those of store and connections, which are this process's own, since its start.
`/tls/ask?domain=…` is 200 for a name for which there may be a certificate, else 404. Whoever asks from another machine,
or through a proxy, is told that there is no such path.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import parse_qsl

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
from onehost.web.certificate_names import CertificateNames
from onehost.web.requests import Body, Head, Held, Receive, Refusal, Scope, Send, read_head

Gauge = Callable[[], float]
Told = tuple[int, str, str]
"""Status, type and text of an answer."""
ASK = "/tls/ask"
LONGEST_QUESTION = 1_024
# What proxies tell of those for whom they ask.
_FORWARDED = frozenset({"forwarded", "via", "x-real-ip"})


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
        if head.path == ASK and _is_of_this_host(head):
            status, kind, text = await self._certificate(head)
        else:
            status, kind, text = await self._answer(head.path)
        content = text.encode()
        fields = [
            (b"Content-Type", kind.encode()),
            (b"Content-Length", str(len(content)).encode()),
            (b"Cache-Control", b"no-store"),
        ]
        await send_content(send, status, fields, content, Body(receive, head, Held()))

    async def _answer(self, path: str) -> Told:
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

    async def _certificate(self, head: Head) -> Told:
        """Whether there may be a certificate for the one name that is asked about."""
        name = asked_name(head.query) if head.method == "GET" else None
        if name is None or not await self._program[CertificateNames].has(name):
            return 404, "text/plain", "There is no such name here\n"
        return 200, "text/plain", "It is a name of ours\n"

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


def asked_name(query: str) -> str | None:
    """The value of `domain` in a query that has nothing else; None for any other."""
    if len(query) > LONGEST_QUESTION:
        return None
    try:
        fields = parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=1)
    except ValueError:
        return None
    return next((value for name, value in fields if name == "domain"), None)


def _is_of_this_host(head: Head) -> bool:
    """Whether a program of this host asks for itself."""
    try:
        is_near = ip_address(head.client_address).is_loopback
    except ValueError:
        return False
    named = (name.startswith("x-forwarded-") or name in _FORWARDED for name in head.headers)
    return is_near and not any(named)
