"""`posthorn tail`: new messages and deliveries as they happen, by polling.

Each poll reads the newest messages and again those still on their way, so a delivery is seen within one interval. When
more messages than one page come between two polls, the oldest are missed; `message list` has them all.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import click

from chalicelib.bootstrap import Posthorn
from chalicelib.cli.commands import Command, server_option
from chalicelib.cli.local.accounts import stored_server
from chalicelib.cli.local.shapes import shape
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import json_text, moment, visible
from chalicelib.domain.model import Delivery, MessageRecord, Scope, State
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.messages import MessageStore

PAGE = 100
MOST_FOLLOWED = 1_000


@dataclass(frozen=True, slots=True)
class Event:
    """A message that was accepted (no delivery), or one delivery of it."""

    record: MessageRecord
    delivery: Delivery | None = None

    @property
    def at(self) -> float:
        """When it happened, in epoch seconds."""
        return self.record.message.received_at if self.delivery is None else self.delivery.at


@dataclass
class Watch:
    """What has been seen of one server. Feed it records; it says what is new."""

    seen: dict[MessageId, set[int]] = field(default_factory=dict)
    open: set[MessageId] = field(default_factory=set)

    def news(self, records: Iterable[MessageRecord]) -> Iterator[Event]:
        """The events in these records that were not there before, oldest first for each message."""
        for record in records:
            message = record.message.id
            if message not in self.seen:
                self.seen[message] = set()
                yield Event(record)
            known = self.seen[message]
            for delivery in record.deliveries:
                if delivery.id not in known:
                    known.add(delivery.id)
                    yield Event(record, delivery)
            if record.state is State.DONE:
                self.open.discard(message)
            else:
                self.open.add(message)
        self._forget()

    def _forget(self) -> None:
        """Keep the newest so many; ids rise with time."""
        for message in sorted(self.seen)[: -MOST_FOLLOWED * 2]:
            del self.seen[message]
        self.open = set(sorted(self.open)[-MOST_FOLLOWED:])


@click.command("tail", cls=Command)
@click.option(
    "--last", type=click.IntRange(0, PAGE), default=0, help="Begin with so many old ones."
)
@click.option(
    "--interval", type=click.FloatRange(0.1, 60), default=1.0, show_default=True, help="Seconds."
)
@click.option("--polls", type=click.IntRange(1), help="Stop after so many polls.")
@server_option
def tail_command(
    session: Session, last: int, interval: float, polls: int | None, server: str | None
) -> None:
    """Follow a server's messages and deliveries until Ctrl-C. With --json, one object a line."""
    watch = Watch()
    number = stored_server(session, server).id
    records = session.call(_newest(session.posthorn, number))
    for _ in watch.news(records[: len(records) - last]):
        pass  # what was there before is not told
    for done in itertools.count(1):
        for event in sorted(watch.news(records), key=lambda each: each.at):
            click.echo(_json_line(event) if session.json else _line(event))
        if done == polls:
            return
        session.call(asyncio.sleep(interval))
        records = session.call(_changed(session.posthorn, number, watch))


async def _newest(app: Posthorn, server: ServerId) -> list[MessageRecord]:
    """The newest messages of both directions, oldest first."""
    records: list[MessageRecord] = []
    for scope in Scope:
        records += (await app[MessageStore].page(server, scope, PAGE)).values
    return sorted(records, key=lambda record: record.message.id)


async def _changed(app: Posthorn, server: ServerId, watch: Watch) -> list[MessageRecord]:
    """The newest messages, and those on their way that are no longer among them."""
    newest = await _newest(app, server)
    listed = {record.message.id for record in newest}
    left = sorted(watch.open - listed)
    return await app[MessageStore].get_many([(server, message) for message in left]) + newest


def _line(event: Event) -> str:
    message = event.record.message
    if event.delivery is None:
        way = f"{message.mail_from or '<>'} → {message.rcpt_to}"
        what, text = "Accepted", f"{way} {message.subject}"
    else:
        what, text = event.delivery.status.value, event.delivery.details
        if event.delivery.output:
            text += f" – {event.delivery.output}"
    return f"{moment(event.at)}  {message.id:>6}  {what.ljust(13)}  {visible(text)}".rstrip()


def _json_line(event: Event) -> str:
    told: dict[str, object] = {"event": "accepted", "message": event.record}
    if event.delivery is not None:
        told |= {"event": "delivery", "delivery": event.delivery}
    return json_text(told, indent=None, default=shape)
