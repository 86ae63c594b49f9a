"""Who asks by HTTP and what they may, as a value (api.md 1.1 to 1.3).

A person is taken to be what a management key would be: of the organization that a request acts in, with the scopes of
their role and the servers of their membership. So what holds for keys holds for people.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from chalicelib.domain.errors import Refused, Rejected
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.people.members import Member
from chalicelib.domain.people.roles import OWNER_RIGHT, Role, scopes_of
from chalicelib.domain.people.signed_in import SignedIn
from chalicelib.domain.tenancy import scopes
from chalicelib.domain.tenancy.audit import Actor
from chalicelib.domain.tenancy.credentials import Credential, CredentialKind
from chalicelib.domain.tenancy.management_keys import ManagementKey
from chalicelib.domain.tenancy.networks import covers
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.scopes import Reach, first_missing, granted
from chalicelib.domain.tenancy.servers import Server
from chalicelib.services.tenancy.authenticate import Principal

OPERATOR = "operator"  # stands for the id of a key, which no key has


class ScopeMissing(Refused):
    """The credential lacks a scope; `scope` says which."""

    code = "scope_missing"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope}", scope=scope)
        self.scope = scope


class ContentRefused(Refused):
    """A person who may not read the content of mail."""

    code = "content_refused"


class TenantRequired(Rejected):
    """The request acts in a tenant, and names none."""

    code = "tenant_required"


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization, or one of its servers, in which a request acts."""

    organization_id: OrganizationId
    permalink: str
    server: Server | None = None

    @staticmethod
    def of(server: Server) -> Tenant:
        """The tenant that a server is."""
        return Tenant(server.organization_id, server.organization_permalink, server)

    @staticmethod
    def of_all(organization: Organization) -> Tenant:
        """The tenant that an organization is."""
        return Tenant(organization.id, organization.permalink)

    @property
    def name(self) -> str:
        """`acme` or `acme/mail`."""
        return self.permalink if self.server is None else self.server.full_name


@dataclass(frozen=True, slots=True)
class Caller:
    """A key, and (for a server key) its server. An operator's key is one that nobody can show.

    A person has the key that stands for them: outside of any organization one of what they may somewhere, and `within`
    one that of their membership there.
    """

    key: Credential | ManagementKey
    server: Server | None = None
    person: SignedIn | None = None

    @staticmethod
    def operator(name: str) -> Caller:
        """Somebody who has the storage itself in hand, and so may do everything."""
        return Caller(ManagementKey(OPERATOR, name, 0, "", "", "", (scopes.EVERYTHING,)))

    @staticmethod
    def of_person(person: SignedIn) -> Caller:
        """Somebody who has signed in, not yet in any organization."""
        return Caller(_stand_in(person, person.everywhere), person=person)

    def within(self, organization: OrganizationId) -> Caller:
        """The same in an organization that they reach: a person has there what their membership gives. Keys and users
        with `admin` are the same everywhere."""
        if self.person is None or self.person.user.admin:
            return self
        member = self.person.member_of(organization)
        held = () if member is None else scopes_of(member.role)
        key = _stand_in(self.person, held)
        limited = None if member is None else member.servers
        return replace(self, key=replace(key, organization_id=organization, servers=limited))

    @property
    def is_visitor(self) -> bool:
        """Whether it is a person who comes everywhere, member or not."""
        return self.person is not None and self.person.user.admin

    @property
    def reads_content(self) -> bool:
        """Whether it is shown what mail says: a person as their membership says, any key that reads mail."""
        if self.person is None or self.person.user.admin:
            return True
        member = None if self.organization_id is None else self._member(self.organization_id)
        return member is not None and member.reads_content

    def require_content(self) -> None:
        """ContentRefused for a person who does not read what mail says, nor lets others read it."""
        if not self.reads_content:
            raise ContentRefused("You may not read the content of mail here")

    def may_give_content(self, wanted: Collection[str]) -> None:
        """ContentRefused for scopes with which a key reads what the giver does not."""
        if granted(wanted, self.reach) & {"emails:read"}:
            self.require_content()

    @property
    def is_owner(self) -> bool:
        """Whether it may do what only an owner of its organization may; no key of an organization may."""
        if self.person is None:
            return self.is_of_installation and scopes.INSTALLATION_WRITE in self.scopes
        if self.organization_id is None:
            return self.person.user.admin
        return self.person.owns(self.organization_id)

    def require_owner(self) -> None:
        """ScopeMissing unless it may do what only an owner may."""
        if not self.is_owner:
            raise ScopeMissing(OWNER_RIGHT)

    def _member(self, organization: OrganizationId) -> Member | None:
        return None if self.person is None else self.person.member_of(organization)

    @property
    def actor(self) -> Actor:
        """What the audit log calls it."""
        if self.person is not None:
            return Actor("user", self.key.name, self.key.id)
        if self.key.id == OPERATOR:
            return Actor("system", self.key.name)
        return Actor("key", self.key.name, self.key.id)

    @property
    def reach(self) -> Reach:
        """How far it reaches."""
        if self.person is not None:
            return Reach.INSTALLATION if self.person.user.admin else Reach.ORGANIZATION
        return Reach.SERVER if isinstance(self.key, Credential) else self.key.reach

    @property
    def scopes(self) -> frozenset[str]:
        """All that its scopes stand for."""
        return granted(self.key.scopes, self.reach)

    @property
    def organization_id(self) -> OrganizationId | None:
        """Its organization; None for a key of the installation."""
        if self.server is not None:
            return self.server.organization_id
        return self.key.organization_id if isinstance(self.key, ManagementKey) else None

    @property
    def servers(self) -> tuple[ServerId, ...] | None:
        """The servers it is limited to; None for all."""
        if self.server is not None:
            return (self.server.id,)
        return self.key.servers if isinstance(self.key, ManagementKey) else None

    @property
    def is_of_installation(self) -> bool:
        """Whether it is a key of the installation."""
        return self.reach is Reach.INSTALLATION

    def reaches_organization(self, organization: OrganizationId) -> bool:
        """Whether an organization is there for it."""
        if self.person is not None and self.organization_id is None:
            return self.is_visitor or self._member(organization) is not None
        return self.is_of_installation or self.organization_id == organization

    def reaches_server(self, server: Server) -> bool:
        """Whether a server is there for it."""
        if not self.reaches_organization(server.organization_id):
            return False
        servers = self.within(server.organization_id).servers
        return servers is None or server.id in servers

    def require(self, *wanted: str) -> None:
        """ScopeMissing for the first scope that it lacks."""
        if missing := first_missing(wanted, self.scopes):
            raise ScopeMissing(missing)

    def may_give(
        self,
        wanted: Collection[str],
        reach: Reach,
        networks: tuple[str, ...],
        expires_at: int | None,
    ) -> None:
        """Nobody gives a key, of this reach, more than they have: ScopeMissing for scopes, Refused for networks and
        ends beyond its own."""
        if scopes.EVERYTHING in wanted and scopes.EVERYTHING not in self.key.scopes:
            raise ScopeMissing(scopes.EVERYTHING)
        self.require(*(() if scopes.EVERYTHING in wanted else granted(wanted, reach)))
        self.may_give_networks(networks)
        self.may_give_end(expires_at)

    def may_give_role(
        self, role: Role, servers: Collection[ServerId] | None, *, reads_content: bool
    ) -> None:
        """Nobody makes anyone more than they are themselves: ScopeMissing."""
        if role is Role.OWNER:
            self.require_owner()
        self.require(*granted(scopes_of(role), Reach.ORGANIZATION))
        own = self.servers
        if own is not None and (servers is None or not set(servers) <= set(own)):
            raise ScopeMissing("people:write")
        if reads_content and not self.reads_content:
            raise ScopeMissing("emails:read")

    def require_everything(self) -> None:
        """ScopeMissing unless it operates the installation, with all that there is to do."""
        if not (self.is_of_installation and scopes.EVERYTHING in self.key.scopes):
            raise ScopeMissing(scopes.EVERYTHING)

    def may_give_networks(self, networks: tuple[str, ...]) -> None:
        """Refused for networks that do not lie inside its own, if it has any."""
        own = self.key.networks
        if own and not (networks and all(covers(own, network) for network in networks)):
            raise Refused("Each network must lie inside one of this key's own")

    def may_give_end(self, expires_at: int | None) -> None:
        """Refused for an end, in epoch seconds, that comes after its own, if it has one."""
        end = self.key.expires_at
        if end is not None and (expires_at is None or expires_at > end):
            until = datetime.fromtimestamp(end, UTC).isoformat().replace("+00:00", "Z")
            raise Refused(f"It may not outlive this key, which ends at {until}")

    def may_give_hold(self, *, hold: bool) -> None:
        """Refused for a credential that holds nothing, given by one that holds everything."""
        if not hold and isinstance(self.key, Credential) and self.key.hold:
            raise Refused("This key holds what it submits, and so must those that it gives")

    def require_whole_organization(self) -> None:
        """Refused for a key that is limited to some servers: it changes nothing of the organization."""
        if self.servers is not None:
            raise Refused("This key is limited to some servers and changes nothing else")

    def sender(self, server: Server) -> Principal:
        """The principal as which it sends from a server that it reaches."""
        if isinstance(self.key, Credential):
            return Principal(server, self.key)
        stands_for = Credential(
            self.key.id, server.id, CredentialKind.API, self.key.name, self.key.created_at
        )
        return Principal(server, replace(stands_for, hint=self.key.hint))


def _stand_in(person: SignedIn, held: tuple[str, ...]) -> ManagementKey:
    """The key that would have what a person has."""
    user = person.user
    return ManagementKey(user.id, user.email, user.created_at, "", "", "", held)
