"""Postal's own paths, which old links have: each leads to the page that shows the same (contract section 9)."""

from __future__ import annotations

import re

_SERVER = "/org/{org}/servers/{server}"
# Path of Postal's behind the server → ours; `*` stands for what may follow and is dropped.
_OF_SERVERS = {
    "/messages/held": "/held",
    "/messages/suppressions": "/suppressions",
    "/credentials*": "/keys",
    "/help/*": "/keys",
    "/http_endpoints*": "/endpoints",
    "/smtp_endpoints*": "/endpoints",
    "/address_endpoints*": "/endpoints",
    "/track_domains*": "/tracking",
    "/spam": "/settings/spam",
    "/retention": "/settings/retention",
    "/limits": "/settings/limits",
    "/delete": "/settings/delete",
    "/edit": "/settings",
    "/advanced": "/settings",
    "/ip_pool_rules*": "/settings/rules",
    "/messages/{id}/spam_checks": "/messages/{id}/spam",
    "/messages/{id}/plain": "/messages/{id}/preview",
    "/messages/{id}/html": "/messages/{id}/preview",
    "/messages/{id}/html_raw": "/messages/{id}/preview",
    "/messages/{id}/download": "/messages/{id}/source",
    "/webhooks/history*": "/webhooks",
}
_OTHERS = {
    "/org/{org}/ip_pool_rules*": "/org/{org}/ip_rules",
    "/users*": "/admin/users",
    "/ip_pools*": "/admin/pools",
}
OLD = {**{_SERVER + old: _SERVER + new for old, new in _OF_SERVERS.items()}, **_OTHERS}


def _expression(pattern: str) -> re.Pattern[str]:
    kept = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(pattern))
    return re.compile(kept.replace(r"/\*", "(?:/.*)?").replace(r"\*", "(?:/.*)?"))


_EXPRESSIONS = [(_expression(old), new) for old, new in OLD.items()]


def moved_to(path: str) -> str | None:
    """Where the page of an old path is now, None for one that is not Postal's. Parts stay as they were sent."""
    for expression, new in _EXPRESSIONS:
        if found := expression.fullmatch(path):
            return new.format_map(found.groupdict())
    return None
