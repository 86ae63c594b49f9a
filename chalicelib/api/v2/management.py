"""The routes by which an installation is managed, loaded when the first request for one of them comes.

They stand behind one path of API Gateway, `/api/v2/{path+}`, whose resources are few; which of them takes a request is
decided here.
"""

from __future__ import annotations

import re
from dataclasses import replace

from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram
from chalicelib.api.v2 import (
    audit,
    conversations,
    credentials,
    domains,
    email_content,
    email_operations,
    endpoints,
    events,
    installation,
    invitations,
    jobs,
    mail_routes,
    mailed_links,
    management_keys,
    me,
    members,
    organizations,
    overview,
    own_factors,
    pool_rules,
    queue,
    reports,
    retention,
    saved_searches,
    servers,
    sessions,
    streams,
    suppressions,
    track_domains,
    users,
    ways_out,
    webhook_deliveries,
    webhooks,
)
from chalicelib.api.v2.operation import operate
from chalicelib.api.v2.route import Route

MANAGEMENT: tuple[Route, ...] = (
    *organizations.ROUTES,
    *users.ROUTES,
    *members.ROUTES,
    *invitations.ROUTES,
    *sessions.ROUTES,
    *me.ROUTES,
    *own_factors.ROUTES,
    *mailed_links.ROUTES,
    *servers.ROUTES,
    *retention.ROUTES,
    *credentials.ROUTES,
    *domains.ROUTES,
    *track_domains.ROUTES,
    *endpoints.ROUTES,
    *mail_routes.ROUTES,
    *management_keys.ROUTES,
    *ways_out.ROUTES,
    *pool_rules.ROUTES,
    *audit.ROUTES,
    *email_content.ROUTES,
    *conversations.ROUTES,
    *email_operations.ROUTES,
    *saved_searches.ROUTES,
    *queue.ROUTES,
    *overview.ROUTES,
    *reports.ROUTES,
    *events.ROUTES,
    *suppressions.ROUTES,
    *streams.ROUTES,
    *webhooks.ROUTES,
    *webhook_deliveries.ROUTES,
    *jobs.ROUTES,
    *installation.ROUTES,
)


def pattern_of(path: str) -> re.Pattern[str]:
    """What matches the paths of a route, each variable part under its name."""
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))


_PATTERNS = tuple((route, pattern_of(route.path)) for route in MANAGEMENT)


def methods_of(path: str) -> set[str]:
    """The methods that a path has here."""
    return {route.method for route, pattern in _PATTERNS if pattern.fullmatch(path)}


async def answer(program: MailProgram, request: HttpRequest, path: str) -> HttpAnswer | None:
    """The answer of the route that takes a request to this path, if there is one."""
    for route, pattern in _PATTERNS:
        found = pattern.fullmatch(path) if route.method == request.method else None
        if found is not None:
            request.notes["operation"] = route.name
            return await operate(route, program, replace(request, path_values=found.groupdict()))
    return None
