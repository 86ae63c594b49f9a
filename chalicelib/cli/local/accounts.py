"""The server that a command is about, as the storage has it."""

from __future__ import annotations

from chalicelib.bootstrap import Posthorn
from chalicelib.cli.session import Session
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.servers import Server
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers


def stored_server(session: Session, name: str | None) -> Server:
    """The server of this name, or the only one. Failure, or NotFound."""
    posthorn: Posthorn = session.posthorn
    organization, _, permalink = (session.server(name) or "").partition("/")
    return session.call(posthorn[Servers].get(organization, permalink))


def stored_organization(session: Session, permalink: str) -> Organization:
    """The organization of this permalink. Failure, or NotFound."""
    posthorn: Posthorn = session.posthorn
    return session.call(posthorn[Organizations].get(permalink))
