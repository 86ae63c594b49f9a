"""Following a server's events by their cursor: a page, and what came after it, until somebody stops it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import click

from chalicelib.cli.commands import options
from chalicelib.cli.session import Session
from chalicelib.cli.statistics import asked_time
from chalicelib.cli.statistics import time as time_type
from chalicelib.cli.terminal import iso

PAGE = 100

follow_options = options(
    click.option("--type", "kind", metavar="TYPE", help="Only these, as email.bounced."),
    click.option(
        "--since",
        type=time_type,
        help="Begin then: a time, or how long ago: 90m, 23h  [default: now].",
    ),
    click.option(
        "--interval",
        type=click.FloatRange(0.1, 60),
        default=1.0,
        show_default=True,
        help="Seconds between looks.",
    ),
    click.option("--polls", type=click.IntRange(1), help="Stop after so many looks."),
)


class Following:
    """Events of a server, and the `cursor` behind those that were given, None before the first look."""

    def __init__(
        self,
        session: Session,
        server: str | None,
        *,
        kind: str | None,
        since: float | None,
        cursor: str | None = None,
    ) -> None:
        self.cursor = cursor
        self._session = session
        self._server = server
        self._kind: Any = kind
        begin = asked_time(since, session) if since is not None else iso(session.now())
        self._since = begin if cursor is None else None

    def go_on(self, cursor: str) -> None:
        """Behind this place, whatever was asked for."""
        self.cursor, self._since = cursor, None

    def events(self, interval: float, polls: int | None) -> Iterator[Any]:
        """Those there are, then those that come; a poll is over when it has found the last there is."""
        for done in itertools.count(1):
            while True:
                page = self._session.client.list_events(
                    limit=PAGE,
                    cursor=self.cursor,
                    type=self._kind,
                    since=self._since,
                    tenant=self._server,
                )
                yield from page["data"]
                # Not before they were given: who stops in between gets some again, and misses none.
                self.cursor = page["next_cursor"]
                if not page["has_more"]:
                    break
            if done == polls:
                return
            time.sleep(interval)
