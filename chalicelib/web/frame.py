"""What stands around every page of somebody who has signed in: where they can go, and where somebody must act.

It is asked beside the view and kept for ten seconds in a process; whatever is changed through a form of this process
shows at once. A part that cannot be had is left out.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from chalicelib.ports.clock import Clock
from chalicelib.web.page import Page

SECONDS = 10
MOST_KEPT = 500
MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Choice:
    """An organization or a server that one can go to."""

    permalink: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """`servers` is None when they could not be had; `counts` by the page that they are of: messages, domains, webhooks
    that somebody should look at."""

    organizations: tuple[Choice, ...] = ()
    servers: tuple[Choice, ...] | None = ()
    counts: dict[str, int] = field(default_factory=dict)
    notice: str = ""

    def organization_name(self, permalink: str) -> str:
        """What an organization is called."""
        return _name(self.organizations, permalink)

    def server_name(self, permalink: str) -> str:
        """What a server is called."""
        return _name(self.servers or (), permalink)


class Frames:
    """The frames of a process by who looks at what, and the overviews that they are made of."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[float, Any]] = {}

    def kept(self, key: tuple[str, str]) -> Any:
        """What is kept under it, unless it is too old."""
        until, value = self._kept.get(key, (0.0, None))
        return value if self._clock.now() < until else None

    def keep(self, key: tuple[str, str], value: Any) -> None:
        """Keep it for a while."""
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[key] = (self._clock.now() + SECONDS, value)

    def forget(self) -> None:
        """Something was changed here."""
        self._kept.clear()


async def frame_of(page: Page) -> Frame:
    """The frame of a page."""
    if page.person is None:
        return Frame()
    frames = page.program[Frames]
    key = (page.person.user.id, page.tenant or "")
    frame: Frame | None = frames.kept(key)
    if frame is None:
        frame = await _asked(page)
        frames.keep(key, frame)
    return frame


async def overview_of(page: Page, tenant: str | None = None) -> Any:
    """A server at a glance, that of the page unless another is named, as it was a while ago at most; None when that
    cannot be had."""
    tenant = tenant or page.tenant
    frames, key = page.program[Frames], (page.visitor.caller.key.id, f"overview of {tenant}")
    found = frames.kept(key)
    if found is None:
        found = await page.ask_or(None, "GET", "/overview", tenant=tenant)
        if found is not None:
            frames.keep(key, found)
    return found


async def _asked(page: Page) -> Frame:
    organization, server = page.values.get("org"), page.values.get("server")
    listed = {"limit": MOST_LISTED}
    everything, servers, overview, installation = await asyncio.gather(
        page.ask_or(None, "GET", "/organizations", query=listed),
        _servers(page, organization),
        overview_of(page) if server else _nothing(),
        page.ask_or(None, "GET", "/installation"),
    )
    return Frame(
        tuple(_choice(one) for one in (everything or {"data": ()})["data"]),
        servers,
        _counts(overview) if overview else {},
        str((installation or {}).get("notice") or ""),
    )


async def _servers(page: Page, organization: str | None) -> tuple[Choice, ...] | None:
    if organization is None:
        return ()
    query = {"organization": organization, "limit": MOST_LISTED}
    found = await page.ask_or(None, "GET", "/servers", query=query)
    return None if found is None else tuple(_choice(one) for one in found["data"])


async def _nothing() -> None:
    return None


def _choice(one: dict[str, Any]) -> Choice:
    note = "Suspended" if one.get("suspended_at") else ""
    if not note and one.get("mode") == "Development":
        note = "Development"
    return Choice(str(one["permalink"]), str(one["name"]), note)


def _counts(overview: dict[str, Any]) -> dict[str, int]:
    failing = (one for one in overview["attention"] if one["code"] == "webhook_failing")
    return {
        "queue": int(overview["queued"]),
        "held": int(overview["held"]),
        "domains": int(overview["domains"]["failing"]),
        "webhooks": sum(int(one["count"]) for one in failing),
    }


def _name(choices: tuple[Choice, ...], permalink: str) -> str:
    return next((one.name for one in choices if one.permalink == permalink), permalink)
