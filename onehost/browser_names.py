"""The names at which browsers ask an installation on one host."""

from __future__ import annotations

from urllib.parse import urlsplit

from chalicelib.config import Settings


def browser_names(settings: Settings) -> tuple[str, ...]:
    """Each once: those of pages, of the HTML of mail, and of tracked links."""
    web = _name_in(settings.web_hostname)
    view = urlsplit(settings.view_url).hostname if settings.view_url else f"view.{web}"
    names = (web, view or "", _name_in(settings.track_domain))
    return tuple(dict.fromkeys(filter(None, names)))


def _name_in(authority: str) -> str:
    return (urlsplit(f"//{authority}").hostname or "").rstrip(".")
