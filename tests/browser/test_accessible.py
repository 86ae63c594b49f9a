"""What axe-core finds on every page that a link leads to, in light and dark; and that pages are still and quiet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser_looks import MOST_SHIFT, Watched, every_page
from tests.filled_site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LESSER = Path(__file__).parent / "lesser_findings.txt"


def test_no_page_has_a_grave_fault_moves_says_a_word_or_asks_elsewhere(
    chromium: Browser, site: Site
) -> None:
    faults: list[str] = []
    lesser: set[str] = set()
    with every_page(chromium, site) as pages:
        for address, watched in pages:
            faults += [f"{address} moved by {by}" for by in [moved(watched)] if by > MOST_SHIFT]
            faults += [f"{address} grows by script: {one}" for one in [watched.grown()] if one]
            faults += [f"{address} light: {one}" for one in watched.grave()]
            watched.page.emulate_media(color_scheme="dark")
            faults += [f"{address} dark: {one}" for one in watched.grave(only_colours=True)]
            watched.page.emulate_media(color_scheme="light")
            faults += [f"{address}: {one}" for one in watched.said]
            watched.said.clear()
            lesser |= watched.lesser
    assert not faults, "\n".join(faults)
    assert lesser == known_findings()


def moved(watched: Watched) -> float:
    """By how much a page moves each time: a busy browser may paint one before all of it has come."""
    by = watched.shifted()
    if by > MOST_SHIFT:
        watched.page.reload()
        by = min(by, watched.shifted())
    return by


def known_findings() -> set[str]:
    """What axe finds that is neither serious nor critical, or cannot tell: each is explained in the file."""
    lines = LESSER.read_text().splitlines()
    return {line.partition(":")[0] for line in lines if line and not line.startswith("#")}
