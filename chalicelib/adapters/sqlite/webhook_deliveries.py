"""Deliveries to webhooks in mail.db."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.storage.cursors import parse_name_cursor, render_name_cursor
from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import NotFound
from chalicelib.domain.json_values import parse_value, render_value
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.paging import Page
from chalicelib.domain.webhooks.delivery import DeliveryFilter, WebhookDelivery
from chalicelib.ports.clock import Clock
from chalicelib.ports.webhook_deliveries import WebhookDeliveries

if TYPE_CHECKING:
    import apsw

_ADD = (
    "INSERT INTO webhook_deliveries VALUES (:server, :id, :webhook, :event, :email, :status, :created_at, :due_at,"
    " :version, :keep_until, :value, :payload) ON CONFLICT DO NOTHING RETURNING 1"
)
_REPLACE = (
    "UPDATE webhook_deliveries SET status = :status, due_at = :due_at, version = :version, value = :value"
    " WHERE server = :server AND id = :id AND version = :version - 1 RETURNING 1"
)
_ONE = (
    "SELECT value, payload, version FROM webhook_deliveries"
    " WHERE server = :server AND id = :id AND keep_until > :now"
)
_PAGE = (
    "SELECT value, payload, version FROM webhook_deliveries WHERE server = :server AND keep_until > :now"
    " AND (:before IS NULL OR id < :before) AND (:webhook IS NULL OR webhook = :webhook)"
    " AND (:event IS NULL OR event = :event) AND (:email IS NULL OR email = :email)"
    " AND (:status IS NULL OR status = :status) AND (:since IS NULL OR created_at >= :since)"
    " AND (:until IS NULL OR created_at < :until) ORDER BY id DESC LIMIT :limit"
)
_DUE = (
    "SELECT value, payload, version FROM webhook_deliveries WHERE webhook = ? AND server = ? AND due_at <= ?"
    " ORDER BY due_at, id LIMIT ?"
)
_NEXT = "SELECT min(due_at) FROM webhook_deliveries WHERE webhook = ? AND due_at IS NOT NULL"


class SqliteWebhookDeliveries(WebhookDeliveries):
    """The `WebhookDeliveries` port over mail.db."""

    def __init__(self, database: MailDatabase, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._kept = settings.webhook_days * DAY

    async def add(self, deliveries: Sequence[WebhookDelivery]) -> list[bool]:
        """One transaction."""
        rows = [
            _row(one) | {"keep_until": int(one.created_at) + self._kept, "payload": one.payload}
            for one in deliveries
        ]

        def add(db: apsw.Connection) -> list[bool]:
            return [bool(fetched(db, _ADD, row)) for row in rows]

        return await self._database.write(add) if rows else []

    async def get(self, server: ServerId, delivery: str) -> WebhookDelivery:
        """One row; NotFound."""
        wanted = {"server": server, "id": delivery, "now": self._clock.now()}
        rows = self._database.read(lambda db: fetched(db, _ONE, wanted))
        if not rows:
            raise NotFound("There is no such delivery")
        return _read(rows[0])

    async def page(
        self, server: ServerId, wanted: DeliveryFilter, limit: int, cursor: str | None = None
    ) -> Page[WebhookDelivery]:
        """Newest first."""
        listing = f"S#{server}#webhook-deliveries"
        named: dict[str, Any] = {
            "server": server,
            "now": self._clock.now(),
            "before": None if cursor is None else parse_name_cursor(listing, cursor),
            "webhook": wanted.webhook,
            "event": wanted.event,
            "email": wanted.email,
            "status": wanted.status.value if wanted.status else None,
            "since": wanted.since,
            "until": wanted.until,
            "limit": limit + 1,
        }
        rows = self._database.read(lambda db: fetched(db, _PAGE, named))
        found = tuple(map(_read, rows[:limit]))
        more = len(rows) > limit
        return Page(found, render_name_cursor(listing, found[-1].id) if more else None)

    async def due(
        self, server: ServerId, webhook: str, now: float, limit: int, fresh: Sequence[str] = ()
    ) -> list[WebhookDelivery]:
        """By the index of what is due, which lags behind nothing."""
        wanted = (webhook, server, now, limit)
        return [_read(row) for row in self._database.read(lambda db: fetched(db, _DUE, wanted))]

    async def next_due(self, server: ServerId, webhook: str) -> float | None:
        """The first of that index."""
        ((at,),) = self._database.read(lambda db: fetched(db, _NEXT, (webhook,)))
        return None if at is None else float(at)

    async def replace(self, before: WebhookDelivery, after: WebhookDelivery) -> bool:
        """Under the condition of its version."""
        row = _row(replace(after, version=before.version + 1))
        named = {name: row[name] for name in row if f":{name}" in _REPLACE}
        return bool(await self._database.write(lambda db: fetched(db, _REPLACE, named)))


def _row(one: WebhookDelivery) -> dict[str, Any]:
    return {
        "server": one.server_id,
        "id": one.id,
        "webhook": one.webhook,
        "event": one.event,
        "email": one.email,
        "status": one.status.value,
        "created_at": one.created_at,
        "due_at": one.due_at,
        "version": one.version,
        "value": render_value(replace(one, payload=b"")),
    }


def _read(row: Sequence[Any]) -> WebhookDelivery:
    value, payload, version = row
    return replace(parse_value(WebhookDelivery, value), payload=payload, version=version)
