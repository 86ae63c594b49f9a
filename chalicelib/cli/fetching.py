"""Bringing a file, and fetching one into its place: what is there of it already is not fetched again.

What came lies beside, with the ending `.part`, until it is all there.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import click

from chalicelib.cli.failure import Failure

PIECE = 1024 * 1024
PARTIAL, ALL_THERE = 206, 416
GO_ON = "{path} is not whole yet; run this again to go on with it."


def answer_to(request: urllib.request.Request) -> bytes:
    """What the place for files answers. Failure when it refuses, or does not answer."""
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310  # what the API gave
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as refused:
        raise Failure(
            f"{request.host} refused the file: {refused.code} {refused.reason}"
        ) from refused
    except OSError as away:
        why = getattr(away, "reason", away)
        text = f"Files are brought to and fetched from {request.host}, where nobody answers ({why})"
        raise Failure(text) from away


def part_of(path: Path) -> Path:
    """Where a file lies while it comes."""
    return path.with_name(f"{path.name}.part")


def fetch(url: str, path: Path, size: int) -> None:
    """Write what lies at a URL, of so many bytes, into a file. ClickException when it ends too early."""
    part = part_of(path)
    part.touch()
    try:
        _add(url, part)
    except OSError as failure:
        raise click.ClickException(f"{failure}. {GO_ON.format(path=path)}") from failure
    if part.stat().st_size != size:
        if part.stat().st_size > size:
            part.unlink()
        raise click.ClickException(GO_ON.format(path=path))
    part.replace(path)


def _add(url: str, part: Path) -> None:
    have = part.stat().st_size
    request = urllib.request.Request(url)  # noqa: S310  # what the API gave
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            mode = "ab" if answer.status == PARTIAL else "wb"
            with part.open(mode) as file:
                while piece := answer.read(PIECE):
                    file.write(piece)
    except urllib.error.HTTPError as refused:
        if refused.code != ALL_THERE:
            raise
