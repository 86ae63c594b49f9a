"""Requests that need no credential and change something: JSON, of bounded size, and from no page of another site.

Whatever cookie comes along, none is needed, so nobody can be made to sign in from elsewhere (api.md 1.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from chalicelib.api.browsers import check_same_site, session_token
from chalicelib.api.http import HttpRequest, MailProgram
from chalicelib.api.v2.admission import LARGEST_SMALL_BODY
from chalicelib.api.v2.problems import ContentTooLarge
from chalicelib.api.v2.requests import read_json, validated
from chalicelib.config import Settings
from chalicelib.domain.errors import Unauthenticated
from chalicelib.domain.people.signed_in import SignedIn
from chalicelib.services.people.sessions import Browser
from chalicelib.services.tenancy.callers import Callers

if TYPE_CHECKING:
    from pydantic import BaseModel

Model = TypeVar("Model", bound="BaseModel")


def read_public(program: MailProgram, request: HttpRequest, model: type[Model]) -> Model:
    """The body of a request as its model. Raises what the checks find, in their order."""
    if len(request.body) > LARGEST_SMALL_BODY:
        raise ContentTooLarge(f"This takes at most {LARGEST_SMALL_BODY} bytes")
    check_same_site(request.headers, program[Settings])
    return validated(model, read_json(request))


def browser_of(request: HttpRequest) -> Browser:
    """Where somebody sits who asks."""
    agent = request.headers.get("user-agent", "")
    return Browser(request.client_address, agent, request.request_id)


async def person_of(program: MailProgram, request: HttpRequest) -> SignedIn | None:
    """Who has signed in with the browser that asks; None for nobody."""
    token = session_token(request.headers, program[Settings])
    if token is None:
        return None
    try:
        return (await program[Callers].by_session(token, request.client_address)).person
    except Unauthenticated:
        return None
