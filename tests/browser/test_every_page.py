"""Every page that a link leads to, in light and dark, from wide to narrow, with large text, with and without script."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser_looks import (
    HIDDEN_FOCUS,
    SHOWN_THOUGH_HIDDEN,
    SPACING,
    WIDTHS,
    Watched,
    context_of,
)
from tests.filled_site import PUBLIC, Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@contextlib.contextmanager
def every_page(
    chromium: Browser, site: Site, **options: Any
) -> Iterator[Iterator[tuple[str, Watched]]]:
    """Each address, and a page of a browser that has opened it."""
    with (
        context_of(chromium, site, **options) as inside,
        context_of(chromium, site, signed_in=False, **options) as outside,
    ):

        def opened() -> Iterator[tuple[str, Watched]]:
            for context, addresses in (
                (inside, sorted(site.addresses.values())),
                (outside, PUBLIC),
            ):
                watched = Watched(context.new_page(), site)
                for address in addresses:
                    watched.open(address)
                    yield address, watched

        yield opened()


def test_no_page_has_a_grave_fault_says_a_word_or_asks_elsewhere(
    chromium: Browser, site: Site
) -> None:
    faults = []
    with every_page(chromium, site) as pages:
        for address, watched in pages:
            faults += [f"{address} light: {one}" for one in watched.grave()]
            watched.page.emulate_media(color_scheme="dark")
            faults += [f"{address} dark: {one}" for one in watched.grave(only_colours=True)]
            watched.page.emulate_media(color_scheme="light")
            faults += [f"{address}: {one}" for one in watched.said]
            watched.said.clear()
    assert not faults, "\n".join(faults)


def test_no_page_is_wider_than_the_screen(chromium: Browser, site: Site) -> None:
    faults = []
    with every_page(chromium, site) as pages:
        for address, watched in pages:
            for width in WIDTHS:
                watched.page.set_viewport_size({"width": width, "height": 900})
                faults += [f"{address} at {width}: {one}" for one in [watched.overflow()] if one]
            watched.page.set_viewport_size({"width": 1280, "height": 900})
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("width", [1280, 390])
def test_text_of_twice_the_size_and_wide_spacing_fit(
    chromium: Browser, site: Site, width: int
) -> None:
    faults = []
    screen = {"width": width, "height": 900}
    with every_page(chromium, site, viewport=screen, bypass_csp=True) as pages:
        for address, watched in pages:
            sizes = watched.page.context.new_cdp_session(watched.page)
            sizes.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
            faults += [f"{address} large: {one}" for one in [watched.overflow()] if one]
            sizes.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
            watched.page.add_style_tag(content=SPACING)
            faults += [f"{address} spaced: {one}" for one in [watched.overflow()] if one]
            sizes.detach()
    assert not faults, "\n".join(faults)


def test_every_page_is_whole_without_script(chromium: Browser, site: Site) -> None:
    with every_page(chromium, site, java_script_enabled=False) as pages:
        for address, watched in pages:
            assert watched.page.locator("h1").count() == 1, address
            assert watched.page.locator("[aria-busy=true]").count() == 0, address
            assert watched.page.evaluate(SHOWN_THOUGH_HIDDEN) == [], address


def test_what_has_the_focus_is_seen_and_under_no_bar(chromium: Browser, site: Site) -> None:
    """On every fifth page: they share their controls."""
    faults = []
    with context_of(chromium, site, viewport={"width": 820, "height": 700}) as context:
        watched = Watched(context.new_page(), site)
        for address in sorted(site.addresses.values())[::5]:
            watched.open(address)
            for _ in range(30):
                watched.page.keyboard.press("Tab")
                if said := watched.page.evaluate(HIDDEN_FOCUS):
                    faults.append(f"{address}: {said}")
    assert not faults, "\n".join(faults)
