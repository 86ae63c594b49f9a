"""What the API says of an installation: asked before an upgrade and after it, and whether it is still the same.

A later version may say more, so what was said must be contained in what is said now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.api.v2.route import PREFIX
from chalicelib.api.v2.routes import every_route
from tests.filled_tenant import FilledTenant
from tests.http_api import ApiWorld, Reply

# What is measured at the moment of the question, or says which version answers.
OF_THE_MOMENT = frozenset(
    {"/installation", "/installation/checks", "/installation/operations", "/metrics", "/overview"}
)
VARIANTS = {"/emails": ("?limit=100", "?direction=incoming"), "/events": ("?limit=100",)}


# What the question itself changes.
BY_ASKING = "last_used_at"


def asked(filled: FilledTenant) -> Iterator[tuple[str, str]]:
    """Path and tenant of all that is asked."""
    for route in every_route():
        path = route.path.removeprefix(PREFIX)
        if route.method != "GET" or route.is_public or route.of_people or path in OF_THE_MOMENT:
            continue
        if any(path.startswith(one) for one in filled.without):
            continue
        tenant = "" if route.tenant in ("none", "path") else filled.tenant
        for more in VARIANTS.get(path, ("",)):
            yield filled.path(route) + more, tenant


def answers(api: ApiWorld, questions: Iterator[tuple[str, str]]) -> dict[str, Any]:
    """What is said to each question, by `tenant path`."""
    found = {}
    for path, tenant in questions:
        reply = api.manage("GET", path, None, tenant)
        assert reply.status in (200, 303), (path, tenant, reply)
        found[f"{tenant} {path}"] = said(reply)
    return found


def said(reply: Reply) -> Any:
    """What an answer says; of other bytes than JSON their hash, of those that lie elsewhere nothing."""
    if reply.status == 303:
        return {}
    is_json = "json" in reply.headers["content-type"]
    return reply.json if is_json else hashlib.sha256(reply.body).hexdigest()


def lost(before: Any, after: Any, at: str = "") -> Iterator[str]:
    """Where what was said before is not contained in what is said after."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _of_object(before, after, at)
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{at} has {len(after)} instead of {len(before)}"
        for number, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from lost(one, other, f"{at}[{number}]")
    elif before != after:
        yield f"{at} was {before!r} and is {after!r}"


def _of_object(before: Mapping[str, Any], after: Mapping[str, Any], at: str) -> Iterator[str]:
    for name, value in before.items():
        if name not in after:
            yield f"{at}.{name} is gone"
        elif name != BY_ASKING:
            yield from lost(value, after[name], f"{at}.{name}")
