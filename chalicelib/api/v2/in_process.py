"""Operations of API v2 in the caller's process: for pages, and for an operator who has the storage in hand.

All is as over HTTP but for the credential, which is known already, the audit log included; an answer may be of any
size.
"""

from __future__ import annotations

import functools
import re
from dataclasses import replace

from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram
from chalicelib.api.v2.management import pattern_of
from chalicelib.api.v2.operation import operate
from chalicelib.api.v2.problems import answer_problem
from chalicelib.api.v2.route import Route
from chalicelib.api.v2.routes import every_route
from chalicelib.domain.errors import NotFound
from chalicelib.services.tenancy.caller import Caller


async def answer_operator(program: MailProgram, request: HttpRequest, operator: str) -> HttpAnswer:
    """The answer to a request of an operator of this name."""
    return await answer_caller(program, request, Caller.operator(operator))


async def answer_caller(
    program: MailProgram, request: HttpRequest, caller: Caller | None, *, is_handed_on: bool = False
) -> HttpAnswer:
    """The answer to a request of somebody who is known, or of nobody where the operation is public. One that
    `is_handed_on` to a client as it is has the size that gateways let through, or says where the bytes are."""
    for route, pattern in _patterns():
        found = pattern.fullmatch(request.path) if route.method == request.method else None
        if found is not None:
            asked = replace(request, path_values=found.groupdict(), is_in_process=not is_handed_on)
            return await operate(route, program, asked, caller)
    return answer_problem(NotFound("There is nothing at this address"), request)


@functools.cache
def _patterns() -> tuple[tuple[Route, re.Pattern[str]], ...]:
    return tuple((route, pattern_of(route.path)) for route in every_route())
