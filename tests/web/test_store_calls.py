"""How often a page asks its store, on each engine, and what a view costs: a row a page, which must not be exceeded.

A page is counted as somebody sees it who goes from page to page: what stands around it is kept for ten seconds and was
asked for before, and is counted apart. On one host a call is a read of the database or an operation that changes it; on
AWS it is a call as it is billed, so that one question to four shards is four.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from bench.cost.prices import PAGE_BESIDE_STORE, PAGE_READ_UNITS, price_of
from chalicelib import bootstrap
from chalicelib.adapters.sqlite.database import Database
from chalicelib.web.frame import SECONDS, Frames
from chalicelib.web.routes import ROWS, find
from tests.filled_site import filled_program
from tests.page_browser import Browser
from tests.web.conftest import AWS
from tests.web.store_calls import AROUND, MOST_OF_A_PAGE, WHO, beyond, calls_by_page
from tests.worlds import Scene

if TYPE_CHECKING:
    from chalicelib.adapters.aws.meter import Usage
    from chalicelib.config import Settings

PAGES = [row.pattern for row in ROWS if row.method == "GET"]
EMPTY = "/org/{org}/servers/{server}/suppressions/import"  # it asks for nothing but who looks
LONG = 60  # seconds after which nothing that a process remembers of the configuration is recent
MOST_DOLLARS = 0.000025


@dataclass
class Site:
    """Pages, and what they ask of their engine."""

    engine: str
    scene: Scene
    boss: Browser
    found: dict[str, str]
    operations: int = 0

    def address(self, pattern: str) -> str:
        """That of a page which a link led to; of others one below that, or of what is not there."""
        if pattern in self.found:
            return self.found[pattern]
        above = [one for one in self.found if pattern.startswith(f"{one}/")]
        near = self.found[max(above, key=len)] if above else "/"
        known = (find("GET", urlsplit(near).path) or (None, {}))[1]
        return re.sub(r"{(\w+)}", lambda one: known.get(one[1], "1"), pattern)

    def look(self, address: str) -> int:
        """How many calls a view makes."""
        self.operations = 0
        self.scene.posthorn.meter.reset()
        shown = bootstrap.run(self.boss.ask("GET", address, b"", {}))
        assert shown.status < 500, (address, shown.text)
        return self.used.total_calls if self.engine == "aws" else self.operations

    @property
    def used(self) -> Usage:
        """What the last view used of AWS."""
        return self.scene.posthorn.meter.snapshot()


@pytest.fixture(scope="module", params=["sqlite", AWS])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    settings: Settings | None = None
    if request.param == "aws":
        settings = request.getfixturevalue("aws_backend").settings()
    read, write = Database.read, Database.write
    with filled_program(on_aws=settings) as filled, pytest.MonkeyPatch.context() as patch:
        made = Site(request.param, *filled)

        def reading(self: Database, operation: Any) -> Any:
            made.operations += 1
            return read(self, operation)

        async def writing(self: Database, *more: Any) -> Any:
            made.operations += 1
            return await write(self, *more)

        patch.setattr(Database, "read", reading)
        patch.setattr(Database, "write", writing)
        yield made


def test_every_page_has_its_row() -> None:
    assert calls_by_page().keys() == set(PAGES)


def test_few_pages_ask_more_than_six_times_besides_who_looks() -> None:
    more = {page for page, calls in calls_by_page().items() if calls.sqlite > WHO + MOST_OF_A_PAGE}
    assert more == beyond().keys()


def test_no_page_asks_more_than_its_row_says_nor_costs_too_much(site: Site) -> None:
    wrong, units = [], 0.0
    for pattern in PAGES:
        most = calls_by_page()[pattern].on(site.engine)
        address = site.address(pattern)
        site.scene.clock.advance(LONG)
        site.look(address)
        dollars = price_of(site.used) + PAGE_BESIDE_STORE
        units += site.used.read_units
        if dollars > MOST_DOLLARS:
            wrong.append(f"{pattern}: ${dollars:.6f}, {dict(site.used.calls)}")
        found = site.look(address)
        if found > most:
            wrong.append(f"{pattern}: {found} calls, not {most}")
    assert not wrong, "\n".join(wrong)
    assert units / len(PAGES) <= PAGE_READ_UNITS, units / len(PAGES)


def test_what_stands_around_a_page_is_asked_for_once_in_a_while(site: Site) -> None:
    address = site.address(EMPTY)
    site.look(address)
    assert site.look(address) == WHO
    site.scene.posthorn[Frames].forget()
    assert site.look(address) <= WHO + AROUND.on(site.engine)
    site.scene.clock.advance(SECONDS - 1)
    assert site.look(address) == WHO
    site.scene.clock.advance(1)
    assert site.look(address) > WHO
