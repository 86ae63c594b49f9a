"""The demo tenant of the local stack, through the same services that people use: idempotent, keys stable.

The keys are kept in `secrets.json` of the state folder, so that a restart shows the same ones and a lost database gets
them back. Nothing is changed about a demo tenant that somebody has edited, except that what is missing is made again.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.ids import MANAGEMENT_PREFIX, key_digest, new_key
from chalicelib.domain.people.roles import Role
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.scopes import EVERYTHING
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, DnsStatus
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.services.people.members import Members, Terms
from chalicelib.services.people.users import NewUser, Users
from chalicelib.services.tenancy.credentials import Credentials
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.installation import Installation
from chalicelib.services.tenancy.management_keys import KeyOptions, ManagementKeys
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from chalicelib.services.tracking.domains import TrackDomains
from infra.local.folder import SECRETS, read_secrets, write_private
from infra.local.plan import ADMIN, DOMAIN, ORGANIZATION, SERVER

CREDENTIALS = {"api_key": CredentialKind.API, "smtp_key": CredentialKind.SMTP}
T = TypeVar("T")


async def seed(posthorn: Posthorn, state: Path) -> None:
    """Make whatever of the demo tenant does not exist; MailError when the backend refuses."""
    known = read_secrets(state)
    organizations, servers = posthorn[Organizations], posthorn[Servers]
    domains, tracks = posthorn[Domains], posthorn[TrackDomains]
    await posthorn[Installation].ensure()
    organization = await _found_or_made(
        organizations.get(ORGANIZATION),
        lambda: organizations.create("Demo", ORGANIZATION),
    )
    server = await _found_or_made(
        servers.get(ORGANIZATION, SERVER),
        lambda: servers.create(organization, "Demo", SERVER),
    )
    domain = await _found_or_made(domains.find(server, DOMAIN), lambda: domains.add(server, DOMAIN))
    if domain.verified_at is None or not domain.dkim_ok or not domain.return_path_ok:
        await domains.trust(domain)
    # Tracking is on, and its links name the address at which this run answers.
    track = await _found_or_made(
        tracks.find(server, DOMAIN), lambda: tracks.add(server, "track", DOMAIN)
    )
    address = posthorn.settings.track_address or track.name
    if track.name != address or track.dns_status is None:
        now = int(posthorn[Clock].now())
        seen = replace(track, name=address, dns_status=DnsStatus.OK, dns_checked_at=now)
        await posthorn[Repository].replace(TRACK_DOMAINS, seen)
    with contextlib.suppress(Conflict):
        await posthorn[Repository].add(SOURCES, EgressSource(name="default"))
    await _keep_keys(posthorn, server, known)
    known.setdefault("admin_password", secrets.token_urlsafe(18))
    await _keep_admin(posthorn, organization, known["admin_password"])
    write_private(state / SECRETS, json.dumps(known) + "\n")


async def _keep_keys(posthorn: Posthorn, server: Server, known: dict[str, str]) -> None:
    """Make the keys that are not known, and bring back those that the database has lost."""
    credentials = posthorn[Credentials]
    have = {credential.digest for credential in await credentials.of(server)}
    for name, kind in CREDENTIALS.items():
        label = f"demo {kind.value}"
        if name not in known:
            _, known[name] = await credentials.create(server, kind, label)
        elif key_digest(known[name]) not in have:
            await credentials.import_key(server, kind, label, known[name])
    if "management_key" not in known:
        known["management_key"] = new_key(posthorn[Rand].bytes(64), MANAGEMENT_PREFIX)
    everything = KeyOptions((EVERYTHING,))
    with contextlib.suppress(Conflict):
        await posthorn[ManagementKeys].keep(
            None, "demo", everything, "posthorn", known["management_key"]
        )


async def _keep_admin(posthorn: Posthorn, organization: Organization, password: str) -> None:
    """The operator who signs in to the pages and owns the demo tenant; one that somebody has changed stays so."""
    users, members = posthorn[Users], posthorn[Members]
    user = await users.known(ADMIN)
    if user is not None:
        return
    user = await users.create(NewUser(ADMIN, "Demo", "Admin", admin=True, password=password))
    with contextlib.suppress(Conflict):
        await members.add(organization.id, user, Terms(Role.OWNER))


async def _found_or_made(found: Awaitable[T], make: Callable[[], Awaitable[T]]) -> T:
    try:
        return await found
    except NotFound:
        return await make()
