"""One server in which every text that others write is script, bidirectional marks, and 10,000 characters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser_looks import Watched, context_of
from tests.filled_site import Site, filled_site

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def hostile() -> Iterator[Site]:
    with filled_site(hostile=True) as found:
        yield found


def test_nothing_that_others_wrote_acts_or_breaks_a_page(chromium: Browser, hostile: Site) -> None:
    faults = []
    with context_of(chromium, hostile, viewport={"width": 390, "height": 900}) as context:
        watched = Watched(context.new_page(), hostile)
        for address in sorted(hostile.addresses.values()):
            watched.open(address)
            if "Posthorn" not in watched.page.title():
                faults.append(f"{address}: its title is {watched.page.title()!r}")
            faults += [f"{address}: {one}" for one in [*watched.said, *watched.grave()]]
            faults += [f"{address} is too wide: {one}" for one in [watched.overflow()] if one]
            watched.said.clear()
    assert not faults, "\n".join(faults)
