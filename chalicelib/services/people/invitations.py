"""Invitations: made, mailed, withdrawn and accepted (api.md 2.2).

A link works once and for a week; of its token only the digest is kept. Where the installation sends no mail, whoever
invites is given the link.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from chalicelib.config import Settings
from chalicelib.domain.errors import (
    Conflict,
    Contended,
    MailError,
    NotFound,
    Refused,
    Taken,
    TooMany,
    Unauthenticated,
)
from chalicelib.domain.ids import key_digest, random_alphanumerics, random_letters
from chalicelib.domain.people.invitations import (
    BY_INVITATION_TOKEN,
    INVITATION_SECONDS,
    INVITATIONS,
    Invitation,
)
from chalicelib.domain.people.members import MEMBERS, member_place
from chalicelib.domain.people.owners import of_invitation
from chalicelib.domain.people.users import USERS, User
from chalicelib.domain.tenancy.audit import Acting, Actor
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Guard, Repository
from chalicelib.services.people.addresses import checked_email
from chalicelib.services.people.members import Members, Terms
from chalicelib.services.people.sessions import Browser
from chalicelib.services.people.users import NewUser, Users
from chalicelib.services.system_mail import SystemMail
from chalicelib.services.tenancy.caller import Caller

MOST_OPEN = 200
TOKEN_LENGTH = 32
ID_LETTERS = 12
LONGEST_TOKEN = 128
_TEXT = """\
{name} invites you to {organization} on Posthorn, as {role}.

Follow this link to accept. It works once, and for a week:

{url}

If you do not know of this, do nothing.
"""


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation that was made, and its link where nobody could mail it."""

    invitation: Invitation
    url: str | None


@dataclass(frozen=True, slots=True)
class Offered:
    """An open invitation as its link shows it; `user` has an account already."""

    invitation: Invitation
    organization: Organization
    user: User | None


class Invitations:
    """Invites people to organizations."""

    def __init__(
        self,
        settings: Settings,
        repository: Repository,
        users: Users,
        members: Members,
        mail: SystemMail,
        clock: Clock,
        rand: Rand,
    ) -> None:
        self._settings = settings
        self._repository = repository
        self._users = users
        self._members = members
        self._mail = mail
        self._clock = clock
        self._rand = rand

    async def invite(
        self, organization: Organization, email: str, terms: Terms, caller: Caller
    ) -> Invited:
        """Invite an address; an older link to it ends. InvalidRequest, Conflict for a member's address, TooMany,
        TemporaryFailure when the mail cannot be sent."""
        email = checked_email(email)
        await self._check_no_member(organization, email)
        token = random_alphanumerics(self._rand.bytes(64), TOKEN_LENGTH)
        now = int(self._clock.now())
        made = Invitation(
            organization_id=organization.id,
            id=random_letters(self._rand.bytes(32), ID_LETTERS),
            email=email,
            role=terms.role,
            invited_by=caller.key.name,
            digest=key_digest(token),
            created_at=now,
            expires_at=now + INVITATION_SECONDS,
            inviter="" if caller.person is None else caller.person.user.id,
            servers=terms.servers,
            read_content=terms.read_content,
        )
        await self._repository.add(INVITATIONS, made, self._room(organization, email))
        for older in await self.of(organization):
            if older.email == email and older.id != made.id and older.accepted_at is None:
                with suppress(NotFound):
                    await self._repository.remove(INVITATIONS, older)
        url = f"{self._settings.pages_url}/invite/{token}"
        if not self._mail.is_on:
            return Invited(made, url)
        await self._send(made, organization, url)
        return Invited(made, None)

    async def of(self, organization: Organization) -> Sequence[Invitation]:
        """Those that have not ended, the newest first."""
        found = await self._repository.all(INVITATIONS, of_organization(organization.id))
        now = self._clock.now()
        there = (one for one in found if now < one.expires_at)
        return sorted(there, key=lambda one: (one.created_at, one.id), reverse=True)

    async def withdraw(self, organization: Organization, invitation: str) -> None:
        """The link works no more; NotFound."""
        place = Place(of_organization(organization.id), invitation)
        found = await self._repository.get(INVITATIONS, place)
        await self._repository.remove(INVITATIONS, found)

    async def offered(self, token: str) -> Offered:
        """What a link offers; NotFound for one that was used, has ended, was withdrawn, or never was."""
        if not token or len(token) > LONGEST_TOKEN:
            raise INVITATIONS.missing()
        place = Place(of_invitation(key_digest(token)))
        found = await self._repository.find(INVITATIONS, BY_INVITATION_TOKEN, place)
        organization = await self._organization(found)
        if not found.is_open(self._clock.now()) or organization is None:
            raise INVITATIONS.missing()
        return Offered(found, organization, await self._users.known(found.email))

    async def accept(
        self, token: str, who: User | None, wanted: NewUser | None, browser: Browser
    ) -> Organization:
        """Make whoever follows the link a member: the user who is signed in, or else a new one of the address that was
        invited. NotFound; Unauthenticated where the address has an account and nobody is signed in; Refused for
        somebody else; InvalidRequest."""
        offer = await self.offered(token)
        if who is None and offer.user is not None:
            raise Unauthenticated("This address has an account: sign in to accept")
        if who is not None and who.email != offer.invitation.email:
            raise Refused("This invitation is for somebody else")
        user, added = who, []
        if user is None:
            named = wanted or NewUser("")
            user = await self._users.prepared(replace(named, email=offer.invitation.email))
            added = [Change(Verb.ADD, USERS, user)]
        actor = Actor("user", user.email, user.id)
        with acting(Acting(actor, browser.address, browser.request_id, named=user.email)):
            await self._join(offer, user, added)
        return offer.organization

    async def _join(self, offer: Offered, user: User, added: list[Change[User]]) -> None:
        """All in one, so that a link is used once however many follow it at once."""
        invitation = offer.invitation
        place = member_place(invitation.organization_id, user.id)
        if await self._repository.get_many(MEMBERS, [place]):
            raise INVITATIONS.missing()
        terms = Terms(invitation.role, invitation.servers, invitation.read_content)
        member = self._members.prepared(invitation.organization_id, user, terms)
        accepted = replace(invitation, accepted_at=int(self._clock.now()))
        try:
            await self._repository.change(
                *added,
                Change(Verb.ADD, MEMBERS, member),
                Change(Verb.REPLACE, INVITATIONS, accepted, before=invitation),
                guard=self._members.room(invitation.organization_id),
            )
        except TooMany:
            raise
        except (Conflict, Contended) as overtaken:
            raise INVITATIONS.missing() from overtaken

    async def _organization(self, invitation: Invitation) -> Organization | None:
        known = await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS)
        return next((one for one in known if one.id == invitation.organization_id), None)

    async def _check_no_member(self, organization: Organization, email: str) -> None:
        user = await self._users.known(email)
        if user is None:
            return
        place = member_place(organization.id, user.id)
        if await self._repository.get_many(MEMBERS, [place]):
            raise Taken("email", "Whoever has this address is a member")

    def _room(self, organization: Organization, email: str) -> Guard:
        async def has_room() -> None:
            others = [one for one in await self.of(organization) if one.email != email]
            if sum(one.accepted_at is None for one in others) >= MOST_OPEN:
                raise TooMany(f"An organization has at most {MOST_OPEN} open invitations")

        return has_room

    async def _send(self, invitation: Invitation, organization: Organization, url: str) -> None:
        """Mail the link; an invitation that cannot be mailed is taken back."""
        text = _TEXT.format(
            name=invitation.invited_by,
            organization=organization.name,
            role=invitation.role.value,
            url=url,
        )
        subject = f"You are invited to {organization.name}"
        try:
            await self._mail.send(invitation.email, subject, text)
        except MailError:
            with acting(None), suppress(MailError):
                await self._repository.remove(INVITATIONS, invitation)
            raise
