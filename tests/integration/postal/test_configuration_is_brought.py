"""The configuration of a Postal: all of it, keys that stay valid, and in a further run what changed there since."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from chalicelib.domain.ids import key_digest
from chalicelib.domain.tenancy.brought import BROUGHT
from chalicelib.domain.tenancy.credentials import CREDENTIALS, CredentialKind
from chalicelib.domain.tenancy.domains import DOMAINS
from chalicelib.domain.tenancy.endpoints import ENDPOINTS
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_server
from chalicelib.domain.tenancy.routes import ROUTES, RouteMode
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS
from chalicelib.domain.tenancy.webhooks import WEBHOOKS
from chalicelib.ports.repository import Repository
from chalicelib.ports.signer import Signer
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.authenticate import Authenticate
from chalicelib.services.tenancy.credentials import Credentials
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.organizations import Organizations
from tests.integration.postal.conftest import Here
from tests.mariadb import Postal


class Killed(BaseException):
    """The process ends here."""


async def test_everything_is_there_as_it_was(here: Here, postal: Postal) -> None:
    endless = "message_retention_days = NULL, raw_message_retention_size = NULL"
    postal.run(f"UPDATE servers SET {endless} WHERE id = 2")  # noqa: S608
    report = await here.bring(postal)
    server, repository = await here.server(), here.posthorn[Repository]
    assert report.counts["organizations"] == {"new": 1}
    assert report.counts["servers"] == {"new": 2}
    assert (server.token, server.uuid) == ("ehdexf", "ddd9a170-30fe-4e16-ba64-aeab66b68501")
    assert (server.message_retention_days, server.raw_message_retention_size) == (0, 0)
    owner = of_server(server.id)
    (domain,) = await repository.all(DOMAINS, owner)
    (key,) = domain.signing_keys
    assert (key.selector, domain.name) == ("postal-tsAY0o", "golden.example")
    assert await here.posthorn[Signer].sign(key, b"\0" * 32)
    (track,) = await repository.all(TRACK_DOMAINS, owner)
    assert track.name == "click.golden.example"
    routes = {one.name: one for one in await repository.all(ROUTES, owner)}
    endpoints = {one.id: one for one in await repository.all(ENDPOINTS, owner)}
    assert len(routes) == 12 and len(endpoints) == 8
    json, smtp = routes["json"], routes["smtp"]
    assert json.endpoint is not None and smtp.endpoint is not None
    assert endpoints[json.endpoint].url == "http://127.0.0.1:7070/in/json"
    assert endpoints[smtp.endpoint].hostname == "sink.example"
    assert endpoints[json.endpoint].sealed_secret
    assert routes["reject"].mode is RouteMode.REJECT
    hooks = await repository.all(WEBHOOKS, owner)
    assert {one.url for one in hooks} == {
        "http://127.0.0.1:7070/hook",
        "http://127.0.0.1:7070/unsigned",
    }
    assert all(one.sealed_secret for one in hooks)


async def test_forwarding_addresses_are_found_in_any_letter_case(
    here: Here, postal: Postal
) -> None:
    await here.bring(postal)
    for token in ("sJIbVWgP", "sjibvwgp"):
        found = await here.posthorn[Directory].route_by_token(token)
        assert found is not None and found.name == "json"
    named = await here.posthorn[Directory].server_by_token("ehdexf")
    assert named is not None and named.permalink == "golden"


async def test_old_keys_let_in(here: Here, postal: Postal) -> None:
    await here.bring(postal)
    authenticate, server = here.posthorn[Authenticate], await here.server()
    by_key = await authenticate.by_key("xSF0VMummttmSmxu1Msfe36i", frozenset({CredentialKind.API}))
    assert by_key.server.id == server.id
    by_smtp = await authenticate.by_key(
        "dZBPhhbKrEZSiOwSNahnzxYO", frozenset({CredentialKind.SMTP})
    )
    assert by_smtp.server.id == server.id
    (smtp,) = (
        one
        for one in await here.posthorn[Credentials].of(server)
        if one.kind is CredentialKind.SMTP
    )
    assert smtp.digest == key_digest("dZBPhhbKrEZSiOwSNahnzxYO") and smtp.sealed_key is not None
    opened = await here.posthorn[KeyVault].open(smtp.sealed_key, smtp.context)
    assert opened == b"dZBPhhbKrEZSiOwSNahnzxYO"


async def test_a_dry_run_changes_nothing_and_says_the_same(here: Here, postal: Postal) -> None:
    dry = await here.bring(postal, dry_run=True)
    repository = here.posthorn[Repository]
    assert await repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS) == []
    assert await repository.owners(BROUGHT) == []
    done = await here.bring(postal)
    assert dry.counts == done.counts
    assert dry.notes == done.notes and dry.left == done.left == []
    assert "Nothing was changed" in dry.text() and "This was done" in done.text()


async def test_a_second_run_does_nothing(here: Here, postal: Postal) -> None:
    await here.bring(postal)
    again = await here.bring(postal)
    assert again.left == []
    told = {kind: set(found) for kind, found in again.counts.items()}
    told.pop("messages in Postal's queue")
    told.pop("held messages")
    assert set().union(*told.values()) == {"same"}


async def test_a_second_run_brings_what_changed_in_postal(here: Here, postal: Postal) -> None:
    await here.bring(postal)
    postal.run("UPDATE servers SET mode = 'Development', send_limit = 50 WHERE id = 2")
    postal.run("UPDATE credentials SET hold = 1 WHERE id = 4")
    postal.run("UPDATE http_endpoints SET url = 'https://u:p@new.example/in' WHERE id = 1")
    postal.run("DELETE FROM routes WHERE id = 2")
    postal.run("DELETE FROM webhooks WHERE id = 2")
    report = await here.bring(postal)
    server, repository = await here.server(), here.posthorn[Repository]
    assert (server.mode.value, server.send_limit) == ("Development", 50)
    assert report.counts["servers"] == {"changed": 1, "same": 1}
    assert report.counts["credentials"] == {"changed": 1, "same": 4}
    (endpoint,) = (
        one for one in await repository.all(ENDPOINTS, of_server(server.id)) if one.name == "json"
    )
    assert endpoint.url == "https://new.example/in" and endpoint.sealed_user_info is not None
    # Nothing is removed.
    assert len(await repository.all(ROUTES, of_server(server.id))) == 12
    assert len(await repository.all(WEBHOOKS, of_server(server.id))) == 2
    assert report.left == []


async def test_what_was_changed_here_stays_and_is_told_of(here: Here, postal: Postal) -> None:
    await here.bring(postal)
    server, repository = await here.server(), here.posthorn[Repository]
    await repository.replace(
        SERVERS, replace(server, name="Ours", postmaster_address="p@a.example")
    )
    key = next(
        one for one in await here.posthorn[Credentials].of(server) if one.kind is CredentialKind.API
    )
    await here.posthorn[Credentials].revoke(server, key.id)
    postal.run("UPDATE servers SET name = 'Theirs', privacy_mode = 1 WHERE id = 2")
    report = await here.bring(postal)
    server = await here.server()
    assert (server.name, server.postmaster_address, server.privacy_mode) == (
        "Ours",
        "p@a.example",
        True,
    )
    with pytest.raises(Exception, match="no such credential"):
        await repository.get(CREDENTIALS, Place(of_server(server.id), key.id))
    told = dict(report.left)
    assert set(told["server acme/golden"].split(" differ")[0].split(", ")) == {
        "name",
        "postmaster_address",
    }
    assert told["credential api (API) of acme/golden"] == "it was removed here"


async def test_what_is_somebody_elses_here_is_never_touched(here: Here, postal: Postal) -> None:
    organization = await here.posthorn[Organizations].create("Acme")
    report = await here.bring(postal)
    known = await here.posthorn[Repository].all(ORGANIZATIONS, ALL_ORGANIZATIONS)
    assert known == [organization]
    assert [note.what for note in report.notes if note.fit.value == "refused"] == [
        "organization acme",
        "organization acme",
    ]
    assert not report.is_clean


async def test_soft_deleted_rows_are_left_out(here: Here, postal: Postal) -> None:
    postal.run("UPDATE servers SET deleted_at = NOW() WHERE id = 1")
    report = await here.bring(postal)
    assert report.counts["servers"] == {"new": 1}


async def test_a_run_that_died_goes_on(
    here: Here, postal: Postal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed behind each of the changes that it makes, and between these and what it remembers."""
    kind = type(here.posthorn[Repository])
    change, left, deaths = kind.change, 0, 0

    async def dying(self: Repository, *changes: object, **more: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        await change(self, *changes, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(kind, "change", dying)
        while True:
            left = 1 + deaths
            with suppress(Killed):
                await here.bring(postal)
                break
            deaths += 1
    assert deaths > 5
    report = await here.bring(postal)
    assert report.left == [] and report.is_clean
    assert (
        len(await here.posthorn[Repository].all(ROUTES, of_server((await here.server()).id))) == 12
    )
