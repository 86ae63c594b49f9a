"""Debian's Chromium, driven by Playwright, at a dashboard that has something on every page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser_looks import AXE
from tests.chromium import CHROMIUM, open_chromium
from tests.filled_site import Site, filled_site
from tests.people_site import PeopleSite, Walk, people_site, walking

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has the browser, and the site."""
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.xdist_group(f"browser {item.path.stem}"))
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="Chromium is not installed"))
            elif not AXE.is_file():
                reason = "axe-core is absent: npm install --prefix tests/clients"
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser."""
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A dashboard that has something on every page."""
    with filled_site() as found:
        yield found


@pytest.fixture(scope="module")
def people() -> Iterator[PeopleSite]:
    """A dashboard at which people sign in."""
    with people_site() as found:
        yield found


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def walk(request: pytest.FixtureRequest, chromium: Browser, people: PeopleSite) -> Iterator[Walk]:
    """Somebody who goes through it, with script and without."""
    with walking(chromium, people, scripted=request.param) as one:
        yield one
