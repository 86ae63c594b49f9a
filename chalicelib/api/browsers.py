"""What browsers send with a session: its cookie, where a request comes from, and the proof that a page of ours made it.

A cookie comes along with every request, whoever made a browser send it. So whatever changes something must carry a
token that only our pages know, and nothing that changes something is taken from a page of somebody else (api.md 1.1).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from chalicelib.config import Settings
from chalicelib.domain.errors import Refused
from chalicelib.domain.people.sessions import LONGEST_SECONDS

CSRF_HEADER = "posthorn-csrf"
SAFE = frozenset({"GET", "HEAD"})
_COOKIE = re.compile(r"\A\s*([!-:<-~]+)=([A-Za-z0-9]{1,128})\s*\Z")
_OURS = frozenset({"same-origin", "none"})


class CsrfRefused(Refused):
    """The request may have been made by somebody else's page."""

    code = "csrf"


def cookie_name(settings: Settings) -> str:
    """What the cookie is called. Browsers take the prefix from a secure origin alone, for this host and all paths."""
    return "__Host-posthorn" if _is_secure(settings) else "posthorn"


def session_token(headers: Mapping[str, str], settings: Settings) -> str | None:
    """The token in the cookie of a request; None without one, or with two that differ."""
    name, found = cookie_name(settings), set()
    for part in re.split("[;,]", headers.get("cookie", "")):
        cookie = _COOKIE.match(part)
        if cookie is not None and cookie[1] == name:
            found.add(cookie[2])
    return found.pop() if len(found) == 1 else None


def kept_cookie(settings: Settings, token: str) -> str:
    """The Set-Cookie of a session. Its end is the session's, which moves; this is the last that it can have."""
    return _cookie(settings, token, LONGEST_SECONDS)


def ended_cookie(settings: Settings) -> str:
    """The Set-Cookie of somebody who has signed out."""
    return _cookie(settings, "", 0)


def check_same_site(headers: Mapping[str, str], settings: Settings) -> None:
    """CsrfRefused for what a page of somebody else made a browser send."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site.strip().lower() not in _OURS:
        raise CsrfRefused("This may not be asked for by a page of another site")
    if origin is not None and not _is_ours(origin, headers.get("host", ""), settings):
        raise CsrfRefused("This may not be asked for by a page of another site")


def check_csrf(method: str, headers: Mapping[str, str], csrf: str, settings: Settings) -> None:
    """CsrfRefused for a request with a cookie that changes something, and does not show that a page of ours made it."""
    if method in SAFE:
        return
    origin = headers.get("origin")
    if origin is not None and not _is_ours(origin, headers.get("host", ""), settings):
        raise CsrfRefused("This may not be asked for by a page of another site")
    shown = headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(shown.encode("utf-8", "replace"), csrf.encode()):
        raise CsrfRefused("The header Posthorn-CSRF must have the csrf_token of the session")


def _is_secure(settings: Settings) -> bool:
    return not settings.public_url.startswith("http://")


def _is_ours(origin: str, host: str, settings: Settings) -> bool:
    """Whether an origin is the address at which this very request came, or the one that the settings name."""
    scheme = "https" if _is_secure(settings) else "http"
    told = urlsplit(settings.public_url)
    ours = {f"{told.scheme}://{told.netloc}".lower(), f"{scheme}://{host}".lower()}
    return origin.strip().lower() in ours


def _cookie(settings: Settings, value: str, seconds: int) -> str:
    secure = "; Secure" if _is_secure(settings) else ""
    return f"{cookie_name(settings)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
