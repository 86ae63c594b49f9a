"""Whose an identity at the provider is: found by it, else by its verified address, else made where that is allowed
(api.md 2.3).
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.errors import NotFound, Refused
from chalicelib.domain.people.id_token import Identity
from chalicelib.domain.people.invitations import BY_INVITED, INVITATIONS
from chalicelib.domain.people.oidc_provider import OidcProvider
from chalicelib.domain.people.owners import of_email, of_subject
from chalicelib.domain.people.users import BY_SUBJECT, USERS, User
from chalicelib.domain.tenancy.audit import Acting, Actor
from chalicelib.domain.tenancy.entity import Place
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.services.people.addresses import known_as
from chalicelib.services.people.sessions import Browser
from chalicelib.services.people.users import NewUser, Users

NOT_VERIFIED = "The provider does not say that the address is yours, so nobody is known by it here"
NOBODY = "Nobody is known here by this address; ask for an invitation"
OF_ANOTHER = "The person with this address signs in as somebody else at the provider"


class OidcUsers:
    """Finds and makes users by what a provider says of them."""

    def __init__(self, repository: Repository, users: Users, clock: Clock) -> None:
        self._repository = repository
        self._users = users
        self._clock = clock

    async def of(self, identity: Identity, provider: OidcProvider, browser: Browser) -> User:
        """The user of an identity. Refused for nobody's, with a text for them."""
        try:
            place = Place(of_subject(identity.issuer, identity.subject))
            return await self._repository.find(USERS, BY_SUBJECT, place)
        except NotFound:
            if not identity.email:
                raise Refused(NOT_VERIFIED) from None
        user = await self._users.known(identity.email)
        if user is None:
            return await self._made(identity, provider, browser)
        return await self._joined(user, identity, browser)

    async def _joined(self, user: User, identity: Identity, browser: Browser) -> User:
        """A user who signed in by password until now. Whoever else knows that is out."""

        def joined(one: User) -> User:
            if one.oidc_issuer:
                raise Refused(OF_ANOTHER)
            return replace(
                one, oidc_issuer=identity.issuer, oidc_subject=identity.subject, password=""
            )

        with acting(_themselves(user, browser)):
            return await self._users.modify(user.id, joined)

    async def _made(self, identity: Identity, provider: OidcProvider, browser: Browser) -> User:
        domain = typed_name(identity.email.rpartition("@")[2])
        if domain not in provider.create_domains and not await self._is_invited(identity.email):
            raise Refused(NOBODY)
        wanted = NewUser(identity.email, identity.first_name, identity.last_name)
        user = replace(
            await self._users.prepared(wanted),
            oidc_issuer=identity.issuer,
            oidc_subject=identity.subject,
        )
        with acting(_themselves(user, browser)):
            await self._repository.add(USERS, user)
        return user

    async def _is_invited(self, email: str) -> bool:
        now = self._clock.now()
        invited = await self._repository.all(INVITATIONS, of_email(known_as(email)), BY_INVITED)
        return any(one.is_open(now) for one in invited)


def _themselves(user: User, browser: Browser) -> Acting:
    return Acting(Actor("user", user.email, user.id), browser.address, browser.request_id)
