"""Signing in by the OpenID provider, for the pages that lead there and back (api.md 2.3): no operation of the API."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from chalicelib.api.browsers import kept_cookie
from chalicelib.api.http import HttpRequest, MailProgram
from chalicelib.config import Settings
from chalicelib.domain.people.oidc_flow import FLOW_SECONDS
from chalicelib.domain.people.signed_in import SignedIn
from chalicelib.services.people.oidc import Begun, Oidc
from chalicelib.services.people.oidc_providers import OidcProviders
from chalicelib.services.people.sessions import Browser
from chalicelib.services.people.users import Users

WAY_SECONDS = FLOW_SECONDS
_ANSWERED = ("code", "state", "iss", "error")


@dataclass(frozen=True, slots=True)
class Ways:
    """How one signs in: by the provider of this name, empty for none; by a password."""

    provider: str = ""
    password: bool = True


async def ways(program: MailProgram) -> Ways:
    """How one signs in here."""
    known = await program[OidcProviders].read()
    return Ways() if known is None else Ways(known.label, known.local_sign_in)


async def is_first_run(program: MailProgram) -> bool:
    """Whether there is nobody yet who could sign in."""
    return await program[Users].is_nobody()


def elsewhere(program: MailProgram, request: HttpRequest) -> str:
    """Where the pages are, for a browser that came by another name of this machine: the provider leads back there, and
    cookies are kept for one name. Empty for all others."""
    settings = program[Settings]
    came_by = request.headers.get("host", "")
    is_local = settings.pages_url != settings.public_url
    return (
        settings.pages_url if is_local and came_by == urlsplit(settings.public_url).netloc else ""
    )


async def begin(
    program: MailProgram, path: str, prefix: str, confirms: SignedIn | None = None
) -> Begun:
    """Send a browser to the provider. `path`: where it goes on then; `prefix` stands before every address."""
    return await program[Oidc].begin(path, confirms, prefix)


async def finish(
    program: MailProgram, request: HttpRequest, token: str, prefix: str, person: SignedIn | None
) -> tuple[str, tuple[str, ...]]:
    """Where a browser goes on that came back, and the cookies that it gets. Refused, NotFound, TemporaryFailure."""
    answer = {name: request.query.get(name, [""])[0] for name in _ANSWERED if name in request.query}
    browser = Browser(
        request.client_address, request.headers.get("user-agent", ""), request.request_id
    )
    done = await program[Oidc].finish(token, answer, browser, person, prefix)
    kept = (kept_cookie(program[Settings], done.token),) if done.token else ()
    return done.path, kept
