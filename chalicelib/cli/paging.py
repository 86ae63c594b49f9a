"""Long lists: a page for programs, all of it where a person reads or asks for it.

Into a pipe or file goes one page, and how to get the next; `--all` gives every page. In a terminal all pages are shown,
each asked for when the one before was read, through the pager of the person if there is more than the terminal shows.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import click

from chalicelib.cli.commands import options
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import Table, json_text, visible

MOST_ON_PAGE = 100  # of the API
MOST_ASKED, DEFAULT = 500, 30
Page = Any  # an object of the API with `data`, `has_more` and `next_cursor`

page_options = options(
    click.option(
        "--limit",
        type=click.IntRange(1, MOST_ASKED),
        help=f"So many  [default: {DEFAULT}].",
    ),
    click.option("--cursor", help="The `next_cursor` of the page before."),
    click.option("--all", "everything", is_flag=True, help="All pages."),
)


def show_pages(
    session: Session,
    ask: Callable[[int | None, str | None], Page],
    titles: Sequence[str],
    row: Callable[[Any], Sequence[str]],
    *,
    limit: int | None,
    cursor: str | None,
    everything: bool,
    told: Callable[[Page], Page] = lambda page: page,
) -> None:
    """Show a list. `ask` gives a page for limit and cursor, `row` the cells of an item; `told` is what is printed of a
    page as JSON."""
    for_person = is_terminal() and limit is None and cursor is None and not session.json
    if not (everything or for_person):
        page = _gathered(ask, limit or DEFAULT, cursor)
        text = Table(titles).text([row(one) for one in page["data"]])
        if reached := page.get("searched_to"):
            text += f"\n\nSearched as far as {visible(reached)}, and ended there for now."
        if page["next_cursor"] is not None:
            text += f"\n\nMore: --cursor {visible(page['next_cursor'])}"
        session.show(told(page), text)
        return
    pages = _pages(ask, min(limit or MOST_ON_PAGE, MOST_ON_PAGE), cursor)
    if session.json:
        data = [one for page in pages for one in page["data"]]
        click.echo(json_text(told({"data": data, "has_more": False, "next_cursor": None})))
        return
    lines = _lines(pages, titles, row)
    if for_person:
        _through_pager(lines)
    else:
        for text in lines:
            click.echo(text)


def is_terminal() -> bool:
    """Whether a person reads what is printed."""
    return sys.stdout.isatty()


def _gathered(
    ask: Callable[[int | None, str | None], Page], limit: int, cursor: str | None
) -> Page:
    """A page of so many, put together of those of the API."""
    page = ask(min(limit, MOST_ON_PAGE), cursor)
    data = page["data"]
    while page["next_cursor"] is not None and len(data) < limit and data:
        page = ask(min(limit - len(data), MOST_ON_PAGE), page["next_cursor"])
        data = [*data, *page["data"]]
    return {**page, "data": data}


def _pages(
    ask: Callable[[int | None, str | None], Page], limit: int, cursor: str | None
) -> Iterator[Page]:
    while True:
        page = ask(limit, cursor)
        yield page
        cursor = page["next_cursor"]
        if not page["has_more"] or cursor is None:
            return


def _lines(
    pages: Iterator[Page], titles: Sequence[str], row: Callable[[Any], Sequence[str]]
) -> Iterator[str]:
    table = Table(titles)
    for page in pages:
        rows = [row(one) for one in page["data"]]
        if rows or not table.is_begun:
            yield from table.text(rows).split("\n")


def _through_pager(lines: Iterator[str]) -> None:
    """Print lines; through the pager when they are more than the terminal shows."""
    height = shutil.get_terminal_size().lines
    first: list[str] = []
    for line in lines:
        first.append(line)
        if len(first) >= height:
            click.echo_via_pager(f"{one}\n" for one in chain(first, lines))
            return
    click.echo("\n".join(first))
