"""Postal's signing key becomes the installation's while nobody knows another; names that differ are told of."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.postal.domains import PublicKey
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.installation import INSTALLATION
from chalicelib.domain.tenancy.owners import THE_INSTALLATION
from chalicelib.domain.tenancy.public_key import key_id
from chalicelib.ports.repository import Repository
from chalicelib.ports.signer import Signer
from chalicelib.services.outgoing.accept import AcceptMail, Recipient, Submission
from chalicelib.services.tenancy.authenticate import Authenticate
from chalicelib.services.tenancy.installation import Installation
from onehost.postal.files import rsa_key
from tests.integration.postal.conftest import Here, made
from tests.mariadb import Postal, an_rsa_key


@pytest.fixture(scope="module")
def key() -> PublicKey:
    found = rsa_key(an_rsa_key(1024))
    assert found is not None
    return found


async def kid(here: Here) -> str:
    found = await here.posthorn[Repository].get(INSTALLATION, Place(THE_INSTALLATION))
    assert await here.posthorn[Signer].sign(found.signing_key, b"\0" * 32)
    return key_id(found.signing_key.public)


async def test_the_key_becomes_the_installations(
    here: Here, postal: Postal, key: PublicKey
) -> None:
    await here.posthorn[Installation].ensure()
    report = await here.bring(postal, key=key)
    assert report.counts["signing key"] == {"new": 1}
    assert await kid(here) == key_id(key.public)
    found = await here.posthorn[Repository].get(INSTALLATION, Place(THE_INSTALLATION))
    assert found.signing_key.selector == "postal"
    again = await here.bring(postal, key=key, history=True)
    assert again.counts["signing key"] == {"same": 1}


async def test_mail_that_was_brought_was_not_signed_here(
    here: Here, postal: Postal, key: PublicKey
) -> None:
    await here.bring(postal, history=True)
    await here.bring(postal, key=key)
    assert await kid(here) == key_id(key.public)


async def test_a_key_that_has_signed_stays_unless_it_is_wished(
    here: Here, postal: Postal, key: PublicKey
) -> None:
    await here.bring(postal)
    await here.posthorn[Installation].ensure()
    before = await kid(here)
    principal = await here.posthorn[Authenticate].by_key(
        "xSF0VMummttmSmxu1Msfe36i",
        frozenset({"API"}),  # type: ignore[arg-type]
    )
    content = b"From: hello@golden.example\r\nSubject: Hi\r\n\r\nHello.\r\n"
    await here.posthorn[AcceptMail].submit(
        Submission(principal, "hello@golden.example", (Recipient("a@b.example"),), content)
    )
    with pytest.raises(PermanentFailure, match="--replace-key"):
        await here.bring(postal, key=key)
    dry = await here.bring(postal, key=key, dry_run=True)
    assert not dry.is_clean and await kid(here) == before
    await here.bring(postal, key=key, replace_key=True)
    assert await kid(here) == key_id(key.public)


@pytest.mark.parametrize("here", ["files"], indirect=True)
async def test_names_that_are_the_same_lose_nothing(here: Here, postal: Postal) -> None:
    assert (await here.bring(postal, dry_run=True)).differences == []


@pytest.mark.parametrize("family", ["files"])
async def test_each_address_and_record_that_stops_is_named(
    request: pytest.FixtureRequest, tmp_path: Path, postal: Postal, family: str
) -> None:
    request.param = family  # type: ignore[attr-defined]
    here = made(request, tmp_path, {"custom_return_path_prefix": "bounce"})
    report = await here.bring(postal, dry_run=True)
    found = {one.name: one for one in report.differences}
    assert found["return path domain"].lost == (
        "ejvpmj@rp.postal.example.com",
        "ehdexf@rp.postal.example.com",
        "psrp.bench.example CNAME rp.postal.example.com",
        "psrp.golden.example CNAME rp.postal.example.com",
        "postal._domainkey.rp.postal.example.com TXT",
    )
    assert found["return path prefix"].lost == (
        "psrp.bench.example CNAME rp.postal.example.com",
        "ejvpmj@psrp.bench.example",
        "psrp.golden.example CNAME rp.postal.example.com",
        "ehdexf@psrp.golden.example",
    )
    assert "sJIbVWgP@routes.postal.example.com" in found["route domain"].lost
    assert len(found["route domain"].lost) == 12
    assert found["track domain"].lost == ("click.golden.example CNAME track.postal.example.com",)
    assert found["track domain"].setting == "POSTHORN_TRACK_DOMAIN"
    assert "These stop working" in report.text()
    assert report.json()["differences"][0]["stops"]
