"""Signing in by the OpenID provider, and showing there once more who one is (api.md 2.3).

A browser is sent to the provider with a token of its own in a cookie, and let in when it comes back with an answer that
belongs to that token: once, within ten minutes. What the provider says beside its codes is shown to nobody.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound, Refused
from chalicelib.domain.people.id_token import Expected, Identity, fault_of, identity_of
from chalicelib.domain.people.oidc_flow import FLOW_SECONDS, Flow, asking_url, flow_of
from chalicelib.domain.people.oidc_provider import OidcProvider
from chalicelib.domain.people.signed_in import SignedIn
from chalicelib.domain.people.tickets import Ticket, TicketPurpose
from chalicelib.ports.clock import Clock
from chalicelib.services.people.oidc_client import OidcClient
from chalicelib.services.people.oidc_providers import OidcProviders
from chalicelib.services.people.oidc_users import OidcUsers
from chalicelib.services.people.sessions import Browser, Sessions
from chalicelib.services.people.tickets import Tickets

CALLBACK = "/auth/oidc/callback"
NONE = "There is no sign-in provider here"
NOT_OURS = (
    "This answer does not belong to a sign-in of this browser, or comes too late: begin again"
)
NOT_BELIEVED = "What the sign-in provider says of you does not hold"
NOT_YOU = "The sign-in provider says that you are somebody else"
_CODE = re.compile(r"[a-z_]{1,40}")
LONGEST_CODE = 4_096


@dataclass(frozen=True, slots=True)
class Begun:
    """Where a browser is sent, and the token that it keeps until it is back."""

    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Where a browser is sent then: the path that it began with. `token` is for the cookie of its new session; empty
    where the one that it has was confirmed."""

    path: str
    token: str = ""


class Oidc:
    """The way there and back."""

    def __init__(
        self,
        providers: OidcProviders,
        client: OidcClient,
        users: OidcUsers,
        sessions: Sessions,
        tickets: Tickets,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._providers = providers
        self._client = client
        self._users = users
        self._sessions = sessions
        self._tickets = tickets
        self._clock = clock
        self._pages = settings.pages_url

    async def begin(
        self, path: str = "/", confirms: SignedIn | None = None, prefix: str = ""
    ) -> Begun:
        """Send somebody to the provider, who goes on at a path of ours then. `confirms`: who is signed in here and is
        to show it. `prefix` stands before all paths of ours. NotFound without a provider, TemporaryFailure when that
        does not answer."""
        provider = await self._provider()
        endpoints = await self._client.endpoints(provider)
        said = {"path": path, "at": self._clock.now()}
        if confirms is not None:
            said["session"] = confirms.session.digest
        token = await self._tickets.give(
            TicketPurpose.OIDC, said=json.dumps(said), seconds=FLOW_SECONDS
        )
        flow = flow_of(token)
        back = self._back(prefix)
        url = asking_url(provider, endpoints, flow, back, confirms=confirms is not None)
        return Begun(url, token)

    def _back(self, prefix: str) -> str:
        """Where the provider leads back to; the setting may name the stage that stands before our paths."""
        pages = self._pages.removesuffix(prefix) if prefix else self._pages
        return f"{pages}{prefix}{CALLBACK}"

    async def finish(
        self,
        token: str,
        answer: Mapping[str, str],
        browser: Browser,
        person: SignedIn | None = None,
        prefix: str = "",
    ) -> Finished:
        """Let in whoever comes back with the provider's answer (the query of the callback) and the token; `person` is
        who is signed in here. Refused with a text for them, NotFound, TemporaryFailure."""
        provider, flow = await self._provider(), flow_of(token)
        ticket = await self._taken(token, flow, answer)
        said = json.loads(ticket.said)
        confirming = said.get("session")
        code = _code_of(provider, answer)
        back = self._back(prefix)
        claims = await self._client.claims(provider, flow, back, code)
        identity = self._identity(provider, flow, claims, said["at"] if confirming else None)
        if confirming:
            await self._confirm(identity, confirming, person)
            return Finished(said["path"])
        user = await self._users.of(identity, provider, browser)
        _, made = await self._sessions.open(user, browser, by_provider=True)
        return Finished(said["path"], made)

    async def _provider(self) -> OidcProvider:
        provider = await self._providers.read()
        if provider is None:
            raise NotFound(NONE)
        return provider

    async def _taken(self, token: str, flow: Flow, answer: Mapping[str, str]) -> Ticket:
        state = answer.get("state", "").encode("utf-8", "replace")
        if not token or not hmac.compare_digest(state, flow.state.encode()):
            raise Refused(NOT_OURS)
        try:
            ticket = await self._tickets.take(token, TicketPurpose.OIDC)
            await self._tickets.end(ticket)
        except NotFound as missing:
            raise Refused(NOT_OURS) from missing
        return ticket

    def _identity(
        self,
        provider: OidcProvider,
        flow: Flow,
        claims: dict[str, Any] | None,
        since: float | None,
    ) -> Identity:
        """Whom the provider says it is."""
        if claims is None:
            raise Refused(NOT_BELIEVED, claim="signature")
        expected = Expected(
            provider.issuer, provider.client_id, flow.nonce, self._clock.now(), since
        )
        if fault := fault_of(claims, expected):
            raise Refused(NOT_BELIEVED, claim=fault)
        return identity_of(claims)

    async def _confirm(self, identity: Identity, session: str, person: SignedIn | None) -> None:
        if person is None or person.session.digest != session:
            raise Refused(NOT_OURS)
        user = person.user
        if (user.oidc_issuer, user.oidc_subject) != (identity.issuer, identity.subject):
            raise Refused(NOT_YOU)
        await self._sessions.confirm(person.session, second_factor=True)


def _code_of(provider: OidcProvider, answer: Mapping[str, str]) -> str:
    """The code for which the provider says who it is. Refused without one."""
    if answer.get("iss", provider.issuer) != provider.issuer:  # RFC 9207
        raise Refused(NOT_BELIEVED, claim="iss")
    code = answer.get("code", "")
    if not 0 < len(code) <= LONGEST_CODE:
        error = answer.get("error", "")
        why = f": {error}" if _CODE.fullmatch(error) else ""
        raise Refused(f"The sign-in provider did not say who you are{why}")
    return code
