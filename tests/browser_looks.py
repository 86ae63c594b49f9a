"""What every page must be in a browser: quiet, at home, accessible, and as wide as the screen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.filled_site import PUBLIC, Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

AXE = Path(__file__).parent / "clients/node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (1280, 1024, 820, 768, 390, 320)
GRAVE = ("serious", "critical")
MOST_SHIFT = 0.01
# What WCAG 1.4.12 asks pages to bear.
SPACING = """* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }
p { margin-bottom: 2em !important; }"""
# What has the focus, if it cannot be seen: of no size, without an outline, or under the bar at the top.
HIDDEN_FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body || one.closest("iframe, .skip, [type=date]")) return "";
  const box = one.getBoundingClientRect(), style = getComputedStyle(one);
  const bar = document.querySelector(".top");
  const isBelow = bar && !bar.contains(one) && !one.closest("[popover]");
  const isUnder = isBelow && box.bottom <= bar.getBoundingClientRect().bottom;
  const isBare = style.outlineStyle === "none" && style.boxShadow === "none";
  return box.width < 1 || box.height < 1 || isUnder || isBare ? one.outerHTML.slice(0, 160) : "";
}"""
# What is seen although it says that it is hidden: controls of script, where there is none.
SHOWN_THOUGH_HIDDEN = """() => [...document.querySelectorAll("[hidden]")]
  .filter((one) => one.checkVisibility()).map((one) => one.outerHTML.slice(0, 160))"""
_AXE = """([kind, values]) => axe.run(document, {
  runOnly: {type: kind, values}, preload: false, resultTypes: ["violations", "incomplete"],
})"""
# How far things moved after they were first seen, but for what somebody did.
_SHIFTED = """() => new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value;
  }).observe({type: "layout-shift", buffered: true});
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(sum), 30)));
})"""
# How high the page is before script shows its controls, and after it, if that is not the same.
_GROWN = """() => {
  const controls = [...document.querySelectorAll("[data-copy], [data-filter], [data-select-all]")];
  const high = hidden => {
    for (const one of controls) one.hidden = hidden;
    return document.querySelector("main").getBoundingClientRect().height;
  };
  const [before, after] = [high(true), high(false)];
  return before === after ? "" : `${before} > ${after}`;
}"""
# What a system's own colours hide: words, an icon or a graph in the colour that they stand on.
_HIDDEN_IN_FORCED_COLOURS = """() => {
  const isClear = colour => ["none", "transparent"].includes(colour) || /^rgba.*, 0[)]$/.test(colour);
  const behind = one => {
    for (; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (!isClear(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const seen = one => one.checkVisibility({visibilityProperty: true}) && one.getBoundingClientRect().width > 1;
  const hasWords = one => [...one.childNodes].some(child => child.nodeType === 3 && child.data.trim());
  const words = [...document.querySelectorAll("body *")].filter(one => !one.closest("svg") && hasWords(one)
    && seen(one) && getComputedStyle(one).color === behind(one));
  const drawn = [...document.querySelectorAll("svg")].filter(svg => {
    const parts = [...svg.querySelectorAll("rect, path, polyline, line, circle")];
    const shows = colour => !isClear(colour) && colour !== behind(svg.parentElement);
    const colours = one => [getComputedStyle(one).fill, getComputedStyle(one).stroke];
    return seen(svg) && parts.length && !parts.some(one => colours(one).some(shows));
  });
  return [...words, ...drawn].slice(0, 3).map(one => one.outerHTML.slice(0, 160));
}"""
# What moves by itself, although somebody asked for stillness.
_MOVING = """() => [...document.querySelectorAll("*")].filter(one => ["", "::before", "::after"].some(part => {
  const style = getComputedStyle(one, part || null);
  const lasts = text => text.split(",").some(each => parseFloat(each) > 0);
  return lasts(style.transitionDuration) || (style.animationName !== "none" && lasts(style.animationDuration))
    || style.scrollBehavior === "smooth";
})).slice(0, 3).map(one => one.outerHTML.slice(0, 160))"""
# What depends on colours alone.
OF_COLOURS = ["color-contrast", "link-in-text-block"]


def context_of(
    chromium: Browser, site: Site, *, signed_in: bool = True, **options: Any
) -> BrowserContext:
    """A context of a browser in which somebody has signed in, or nobody."""
    options.setdefault("reduced_motion", "reduce")
    options.setdefault("viewport", {"width": 1280, "height": 900})
    context = chromium.new_context(**options)
    context.set_default_timeout(20_000)
    cookies = [
        {"name": name, "value": value, "url": site.url} for name, value in site.boss.cookies.items()
    ]
    if signed_in:
        context.add_cookies(cookies)  # type: ignore[arg-type]
    return context


class Watched:
    """A page of a browser, and all that it said and asked for elsewhere."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page, self.site = page, site
        self.said: list[str] = []
        self.lesser: set[str] = set()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", self._asked)

    def open(self, address: str) -> None:
        """Go to an address of the site."""
        answer = self.page.goto(f"{self.site.url}{address}", wait_until="load")
        assert answer is not None
        assert answer.status < 400, (address, answer.status, self.page.inner_text("body")[:500])

    def grave(self, *, only_colours: bool = False) -> list[str]:
        """What axe finds that is serious or critical; what else it finds or cannot tell is added to `lesser`."""
        if not only_colours:
            self.page.evaluate(AXE.read_text())
        asked = ["rule", OF_COLOURS] if only_colours else ["tag", TAGS]
        found = self.page.evaluate(_AXE, asked)
        self.lesser |= {f"untold {one['id']}" for one in found["incomplete"]}
        self.lesser |= {
            f"{one['impact']} {one['id']}"
            for one in found["violations"]
            if one["impact"] not in GRAVE
        }
        return [
            f"{one['id']} ({one['impact']}): {node['html'][:160]}"
            for one in found["violations"]
            if one["impact"] in GRAVE
            for node in one["nodes"][:3]
        ]

    def shifted(self) -> float:
        """By how much what is seen has moved since the page began to be shown (CLS)."""
        return float(self.page.evaluate(_SHIFTED))

    def grown(self) -> str:
        """How much higher the page becomes when script shows its controls; empty when it stays as it is."""
        return str(self.page.evaluate(_GROWN))

    def hidden_in_forced_colours(self) -> list[str]:
        """What cannot be seen in the colours of the system."""
        return list(self.page.evaluate(_HIDDEN_IN_FORCED_COLOURS))

    def moving(self) -> list[str]:
        """What is moved slowly."""
        return list(self.page.evaluate(_MOVING))

    def overflow(self) -> str:
        """The widest element beyond the screen, empty when the page is as wide as it."""
        return str(
            self.page.evaluate(
                """() => {
          const wide = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= wide) return "";
          const out = [...document.querySelectorAll("body *")].find((one) => {
            const box = one.getBoundingClientRect();
            return box.right > wide + 1 && box.width > 0 && getComputedStyle(one).position !== "absolute";
          });
          return `${document.documentElement.scrollWidth} > ${wide}: ${out ? out.outerHTML.slice(0, 160) : "?"}`;
        }"""
            )
        )

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.site.url, "data:", "blob:")):
            self.said.append(f"asked for {request.url}")


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
