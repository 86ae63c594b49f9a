"""Every page that a link leads to, in light and dark, from wide to narrow, with large text, with and without script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser_looks import SPACING, WIDTHS, Watched, context_of
from tests.filled_site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def of_each(site: Site) -> list[str]:
    return sorted(site.addresses.values())


def test_no_page_has_a_grave_fault_says_a_word_or_asks_elsewhere(
    chromium: Browser, site: Site
) -> None:
    faults = []
    with context_of(chromium, site) as context:
        watched = Watched(context.new_page(), site)
        for address in of_each(site):
            watched.open(address)
            for scheme in ("light", "dark"):
                watched.page.emulate_media(color_scheme=scheme)
                faults += [f"{address} {scheme}: {one}" for one in watched.grave()]
            faults += [f"{address}: {one}" for one in watched.said]
            watched.said.clear()
    assert not faults, "\n".join(faults)


def test_no_page_is_wider_than_the_screen(chromium: Browser, site: Site) -> None:
    faults = []
    with context_of(chromium, site) as context:
        watched = Watched(context.new_page(), site)
        for address in of_each(site):
            watched.open(address)
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
    with context_of(
        chromium, site, viewport={"width": width, "height": 900}, bypass_csp=True
    ) as context:
        watched = Watched(context.new_page(), site)
        sizes = context.new_cdp_session(watched.page)
        for address in of_each(site):
            watched.open(address)
            sizes.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
            faults += [f"{address} large: {one}" for one in [watched.overflow()] if one]
            sizes.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
            watched.page.add_style_tag(content=SPACING)
            faults += [f"{address} spaced: {one}" for one in [watched.overflow()] if one]
    assert not faults, "\n".join(faults)


def test_every_page_is_whole_without_script(chromium: Browser, site: Site) -> None:
    with context_of(chromium, site, java_script_enabled=False) as context:
        watched = Watched(context.new_page(), site)
        for address in of_each(site):
            watched.open(address)
            assert watched.page.locator("h1").count() == 1, address
            assert watched.page.locator("[aria-busy=true]").count() == 0, address
