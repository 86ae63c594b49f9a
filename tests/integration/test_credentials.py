"""A key is shown once and kept as a digest; it lets in until it is revoked."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from chalicelib.bootstrap import Posthorn, in_memory
from chalicelib.domain.errors import Conflict, InvalidRequest, NotFound, Unauthenticated
from chalicelib.domain.tenancy.credentials import Credential, CredentialKind
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.services.tenancy.authenticate import Authenticate
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers

API, SMTP, NETWORK = CredentialKind.API, CredentialKind.SMTP, CredentialKind.SMTP_IP


@pytest.fixture
def app() -> Posthorn:
    return in_memory()


@pytest.fixture
async def server(app: Posthorn) -> Server:
    owner = await app[Organizations].create("Acme")
    return await app[Servers].create(owner, "Mail")


async def test_a_new_key_lets_in_and_is_kept_nowhere(app: Posthorn, server: Server) -> None:
    credential, key = await app[Credentials].create(server, API, "web")
    assert key.startswith("ph_")
    assert credential.digest == hashlib.sha256(key.encode()).hexdigest()
    assert credential.hint == key[-4:]
    assert credential.sealed_key is None
    principal = await app[Authenticate].by_key(key, frozenset({API}))
    assert principal.server.id == server.id
    assert principal.credential == credential
    assert key not in repr(await app[Credentials].of(server))


async def test_two_keys_are_different(app: Posthorn, server: Server) -> None:
    one, first = await app[Credentials].create(server, API, "web")
    two, second = await app[Credentials].create(server, API, "web")
    assert first != second
    assert one.id != two.id


async def test_a_revoked_key_lets_nobody_in(app: Posthorn, server: Server) -> None:
    credential, key = await app[Credentials].create(server, SMTP, "app")
    await app[Credentials].revoke(server, credential.id)
    with pytest.raises(Unauthenticated):
        await app[Authenticate].by_key(key, frozenset({SMTP}))
    with pytest.raises(NotFound):
        await app[Credentials].revoke(server, credential.id)


async def test_a_credential_of_another_server_is_not_revoked(app: Posthorn, server: Server) -> None:
    owner = await app[Organizations].create("Other")
    other = await app[Servers].create(owner, "Mail")
    credential, _ = await app[Credentials].create(server, API, "web")
    with pytest.raises(NotFound):
        await app[Credentials].revoke(other, credential.id)
    assert await app[Credentials].of(server) == [credential]


async def test_only_a_credential_made_for_cram_keeps_its_key_sealed(
    app: Posthorn, server: Server
) -> None:
    credential, key = await app[Credentials].create(
        server, SMTP, "old printer", CredentialOptions(cram=True)
    )
    assert credential.sealed_key is not None
    assert key.encode() not in credential.sealed_key
    challenge = b"<0123456789abcdef0123@mail.example>"
    digest = hmac.new(key.encode(), challenge, hashlib.md5).hexdigest()
    principal = await app[Authenticate].by_cram("acme/mail", challenge, digest)
    assert principal.credential.id == credential.id


async def test_a_postal_key_can_be_kept(app: Posthorn, server: Server) -> None:
    key = "aB3dE6gH9jK2mN5pQ8sT1vW4"
    credential = await app[Credentials].import_key(server, API, "moved", key)
    assert (await app[Authenticate].by_key(key, frozenset({API}))).credential == credential
    with pytest.raises(Conflict):
        await app[Credentials].import_key(server, API, "again", key)


@pytest.mark.parametrize("key", ["", "short", "has space in it, and more", "x" * 101, "é" * 24])
async def test_a_key_that_is_too_weak_or_odd_is_not_taken(
    app: Posthorn, server: Server, key: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await app[Credentials].import_key(server, API, "moved", key)
    assert not key or key not in refused.value.public


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.1", "192.0.2.1/32"),
        ("192.0.2.77/24", "192.0.2.0/24"),
        ("2001:DB8::1", "2001:db8::1/128"),
        (" 2001:db8::/48 ", "2001:db8::/48"),
    ],
)
async def test_a_network_is_kept_in_its_canonical_form(
    app: Posthorn, server: Server, text: str, network: str
) -> None:
    credential, shown = await app[Credentials].create(
        server, NETWORK, "office", CredentialOptions(network=text)
    )
    assert credential.network == network == shown
    assert credential.digest == ""


@pytest.mark.parametrize("text", [None, "", "mail.example.com", "192.0.2.0/33", "192.0.2"])
async def test_what_is_no_network_is_refused(
    app: Posthorn, server: Server, text: str | None
) -> None:
    with pytest.raises(InvalidRequest, match="must be a valid IPv4 or IPv6 address"):
        await app[Credentials].create(server, NETWORK, "office", CredentialOptions(network=text))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (API, CredentialOptions(cram=True)),
        (NETWORK, CredentialOptions(cram=True, network="192.0.2.1")),
        (API, CredentialOptions(network="192.0.2.1")),
        (SMTP, CredentialOptions(network="192.0.2.1")),
    ],
)
async def test_options_that_make_no_sense_together_are_refused(
    app: Posthorn, server: Server, kind: CredentialKind, options: CredentialOptions
) -> None:
    with pytest.raises(InvalidRequest):
        await app[Credentials].create(server, kind, "x", options)
    assert await app[Credentials].of(server) == []


async def test_credentials_are_listed_oldest_first(app: Posthorn, server: Server) -> None:
    made: list[Credential] = []
    for name in ("c", "a", "b"):
        made.append((await app[Credentials].create(server, API, name))[0])
        await app[Clock].sleep(1)
    assert await app[Credentials].of(server) == made
