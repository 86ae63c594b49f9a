"""Every page that a link leads to, in light and dark, from wide to narrow, with large text, with and without script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser_looks import (
    HIDDEN_FOCUS,
    MOST_SHIFT,
    SHOWN_THOUGH_HIDDEN,
    SPACING,
    WIDTHS,
    Watched,
    context_of,
    every_page,
)
from tests.filled_site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_what_moves_would_be_seen(chromium: Browser, site: Site) -> None:
    with context_of(chromium, site, bypass_csp=True) as context:
        watched = Watched(context.new_page(), site)
        watched.open("/login")
        assert watched.shifted() <= MOST_SHIFT
        watched.page.evaluate("document.body.style.paddingTop = '200px'")
        watched.page.wait_for_timeout(100)
        assert watched.shifted() > MOST_SHIFT


def test_colours_of_the_system_hide_nothing(chromium: Browser, site: Site) -> None:
    faults = []
    for scheme in ("light", "dark"):
        with every_page(chromium, site, forced_colors="active", color_scheme=scheme) as pages:
            for address, watched in pages:
                faults += [
                    f"{address} {scheme}: {one}" for one in watched.hidden_in_forced_colours()
                ]
    assert not faults, "\n".join(faults)


def test_nothing_moves_for_who_asked_for_stillness(chromium: Browser, site: Site) -> None:
    """On every third page: they share their styles."""
    faults = []
    with context_of(chromium, site, reduced_motion="reduce") as context:
        watched = Watched(context.new_page(), site)
        for address in sorted(site.addresses.values())[::3]:
            watched.open(address)
            faults += [f"{address}: {one}" for one in watched.moving()]
        watched.page.emulate_media(reduced_motion="no-preference")
        assert watched.moving(), "it would not be seen"
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
