"""Writing the events of a server as they happen, to the screen or to the end of a file."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from chalicelib.cli.following import Following
from chalicelib.cli.terminal import json_text


def follow_to_screen(following: Following, interval: float, polls: int | None) -> None:
    """Print them, and at the end the cursor to go on with."""
    try:
        with stopped_by_sigterm():
            for event in following.events(interval, polls):
                click.echo(json_text(event, indent=None))
    finally:
        if following.cursor is not None:
            click.echo(f"Go on with --cursor {following.cursor}", err=True)


def follow_into(path: Path, following: Following, interval: float, polls: int | None) -> None:
    """Add them to a file. Beside it stands how far it is whole and the cursor of that place: what an earlier run wrote
    behind it comes again, and is written once."""
    place = path.with_name(f"{path.name}.cursor")
    with path.open("ab") as file:
        if place.exists():
            kept = json.loads(place.read_text())
            following.go_on(kept["cursor"])
            file.truncate(kept["size"])
        file.seek(0, os.SEEK_END)
        saved = following.cursor
        try:
            with stopped_by_sigterm():
                for event in following.events(interval, polls):
                    if following.cursor != saved:
                        saved = _save(place, following.cursor, file)
                    file.write(f"{json_text(event, indent=None)}\n".encode())
        finally:
            # Where it was stopped within a page, that page comes again.
            if following.cursor != saved:
                _save(place, following.cursor, file)


def _save(place: Path, cursor: str | None, file: IO[bytes]) -> str | None:
    file.flush()
    fresh = place.with_name(f"{place.name}.new")
    fresh.write_text(json.dumps({"cursor": cursor, "size": file.tell()}))
    fresh.replace(place)
    return cursor


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Have SIGTERM do what Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
