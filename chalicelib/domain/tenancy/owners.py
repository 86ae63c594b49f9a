"""Who owns what of the configuration: the kinds of owners, each with its short code, which never changes."""

from __future__ import annotations

from chalicelib.domain.tenancy.entity import Owner

THE_INSTALLATION = Owner("INSTALLATION")
ALL_ORGANIZATIONS = Owner("ORGANIZATIONS")
ALL_NETWORKS = Owner("NETWORKS")
THE_CHECKS = Owner("CHECKS")
ALL_ROUTE_TOKENS = Owner("ROUTE_TOKENS")


def of_organization(organization: int) -> Owner:
    """What belongs to an organization."""
    return Owner("O", str(organization))


def of_server(server: int) -> Owner:
    """What belongs to a server, and the server itself."""
    return Owner("V", str(server))


def of_domain_owner(organization: int, server: int | None) -> Owner:
    """What belongs to a server, or else (None) to an organization."""
    return of_organization(organization) if server is None else of_server(server)


def of_pool(pool: str) -> Owner:
    """What belongs to a pool of ways out."""
    return Owner("POOL", pool)


def of_key(digest: str) -> Owner:
    """The credential of a key, by the SHA-256 hex digest of the key."""
    return Owner("K", digest)


def of_route_domain(domain: str) -> Owner:
    """The routes of a domain, whoever has them."""
    return Owner("RD", domain)


def of_return_path_route(server: int) -> Owner:
    """The route of a server's return path."""
    return Owner("RP", str(server))


def of_endpoint_names(server: int) -> Owner:
    """The names and addresses of a server's endpoints."""
    return Owner("EN", str(server))
