"""Debian's Chromium, driven by Playwright, at a dashboard that has something on every page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.filled_site import Site, filled_site
from tests.people_site import PeopleSite, Walk, people_site, walking

CHROMIUM = shutil.which("chromium") or ""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has the browser, and the site."""
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.xdist_group(f"browser {item.path.stem}"))
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="Chromium is not installed"))


@pytest.fixture(
    scope="module"
)  # its loop runs while it is open, which tests of coroutines do not bear
def chromium() -> Iterator[Browser]:
    """The browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


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
