"""A local stack on SQLite whose pages a browser looks at, with script and without.

A test file that imports `stack` and `page` makes them known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.e2e.stack import RunningStack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The local stack, one for a test file."""
    running = RunningStack(tmp_path_factory.mktemp("stack") / "state")
    yield running
    running.stop()


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    """A new browser, with script or without."""
    with chromium.new_context(
        java_script_enabled=request.param, reduced_motion="reduce"
    ) as context:
        context.set_default_timeout(30_000)
        yield context.new_page()


def at(stack: RunningStack) -> str:
    """Where its pages are."""
    return str(stack.facts["pages"]).rstrip("/")
