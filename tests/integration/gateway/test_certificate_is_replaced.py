"""A certificate that is replaced while the gateway serves: who connects then meets it, who is connected notices
nothing, and a pair that cannot be used changes nothing."""

from __future__ import annotations

import asyncio
import io
import os
import ssl
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway import tls
from gateway.configuration import Configuration, Role
from gateway.journal import Journal
from gateway.tls import ServerCertificate, server_certificate
from tests.certificates import NOW, Authority, Pair, PairFiles, fingerprint, new_pair, of_no_version
from tests.gateway_scene import HOST, Client, RunningGateway, running_gateway
from tests.mariadb import an_rsa_key
from tests.patience import PATIENCE

FIRST, SECOND = new_pair(), new_pair()


@pytest.fixture
def files(tmp_path: Path) -> PairFiles:
    found = PairFiles(tmp_path)
    found.replace(FIRST)
    return found


@asynccontextmanager
async def served(files: PairFiles) -> AsyncIterator[RunningGateway]:
    certificate, key = str(files.certificate), str(files.key)
    async with running_gateway(tls_certificate=certificate, tls_key=key) as gateway:
        yield gateway


def certificate_of(gateway: RunningGateway) -> ServerCertificate:
    assert gateway.site.certificate is not None
    return gateway.site.certificate


def shown(client: Client) -> str:
    return fingerprint(client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True))


async def met(gateway: RunningGateway) -> set[str]:
    """The certificates that new connections meet, with STARTTLS and with TLS at once."""
    plain = await gateway.connect()
    await plain.say("EHLO client.test")
    await plain.start_tls()
    return {shown(plain), shown(await gateway.connect(Role.SUBMISSIONS))}


async def test_new_connections_meet_it_and_open_ones_go_on(files: PairFiles) -> None:
    async with served(files) as gateway:
        greeted, secured = await gateway.connect(), await gateway.logged_in(Role.SUBMISSIONS)
        files.replace(SECOND)
        assert await met(gateway) == {FIRST.fingerprint}
        certificate_of(gateway).look()
        assert await met(gateway) == {SECOND.fingerprint}
        assert (await secured.submit()).code == 250
        assert shown(secured) == FIRST.fingerprint
        await greeted.say("EHLO client.test")
        await greeted.start_tls()
        assert shown(greeted) == SECOND.fingerprint
        assert len(gateway.events("certificate_loaded")) == 1


async def test_one_that_keeps_to_no_standard_does_not_end_the_look(files: PairFiles) -> None:
    async with served(files) as gateway:
        files.replace(of_no_version(SECOND))
        certificate_of(gateway).look()
        assert await met(gateway) == {FIRST.fingerprint}
        (refused,) = gateway.events("certificate_refused")
        assert refused["error"] == f"{files.certificate} cannot be read as a certificate"
        files.replace(SECOND)
        certificate_of(gateway).look()
        assert await met(gateway) == {SECOND.fingerprint}


WRONG = {
    "a key of another certificate": Pair(SECOND.certificate, FIRST.key),
    "a certificate of another key": Pair(FIRST.certificate, SECOND.key),
    "half a certificate": Pair(SECOND.certificate[:200], SECOND.key),
    "half a key": Pair(SECOND.certificate, SECOND.key[:80]),
    "nothing yet": Pair(b"", b""),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_pair_that_cannot_be_used_keeps_the_old_one(files: PairFiles, name: str) -> None:
    async with served(files) as gateway:
        certificate = certificate_of(gateway)
        files.replace(WRONG[name])
        for _ in range(3):
            certificate.look()
        assert await met(gateway) == {FIRST.fingerprint}
        (refused,) = gateway.events("certificate_refused")
        assert refused["error"].startswith(f"{files.certificate} and {files.key} cannot be used as")
        files.replace(SECOND)
        certificate.look()
        assert await met(gateway) == {SECOND.fingerprint}


@pytest.mark.parametrize("name", WRONG)
async def test_a_start_with_it_has_a_stand_in_until_it_can_be_used(
    files: PairFiles, name: str
) -> None:
    files.replace(WRONG[name])
    given = {"tls_certificate": str(files.certificate), "tls_key": str(files.key)}
    async with running_gateway(state=str(files.folder), stand_in=True, **given) as gateway:
        (told,) = gateway.events("certificate_stands_in")
        assert told["error"].startswith(f"{files.certificate} and {files.key} cannot be used as")
        own = (files.folder / "gateway-certificate.pem").read_bytes()
        assert await met(gateway) == {fingerprint(ssl.PEM_cert_to_DER_cert(own.decode()))}
        certificate_of(gateway).look()
        assert gateway.events("certificate_refused") == []
        # Whatever can be used is better, even one that has ended.
        ended = Authority().pair(HOST, made_at=NOW - 200 * 86_400)
        files.replace(ended)
        certificate_of(gateway).look()
        assert await met(gateway) == {ended.fingerprint}


def test_the_key_of_the_first_process_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one makes the pair just before this one would put its key there."""
    kept = Configuration(state=str(tmp_path))
    journal = Journal(io.StringIO(), lambda: NOW, addresses=False)
    real, others = tls._encoded, []

    def encoded(private: Any) -> bytes:
        if not others:
            others.append(b"")
            server_certificate(kept, HOST, lambda: NOW, journal)
            others[0] = (tmp_path / "gateway-key.pem").read_bytes()
        return real(private)

    monkeypatch.setattr(tls, "_encoded", encoded)
    server_certificate(kept, HOST, lambda: NOW, journal)
    assert [(tmp_path / "gateway-key.pem").read_bytes()] == others


BROKEN = {
    "no key any more": ("key", b""),
    "half a certificate": ("certificate", SECOND.certificate[:200]),
    "the certificate of another key": ("certificate", SECOND.certificate),
    "an RSA key": ("key", an_rsa_key(2048).encode()),
}


@pytest.mark.parametrize("name", BROKEN)
def test_its_own_pair_is_made_anew_where_it_cannot_be_used(tmp_path: Path, name: str) -> None:
    kept, journal = (
        Configuration(state=str(tmp_path)),
        Journal(io.StringIO(), lambda: NOW, addresses=False),
    )
    server_certificate(kept, HOST, lambda: NOW, journal)
    part, content = BROKEN[name]
    (tmp_path / f"gateway-{part}.pem").write_bytes(content)
    server_certificate(
        kept, HOST, lambda: NOW, journal
    )  # which refuses what does not belong together
    names = {"gateway-certificate.pem", "gateway-key.pem"}
    assert {one.name for one in tmp_path.iterdir()} == names
    assert (tmp_path / "gateway-key.pem").stat().st_mode & 0o777 == 0o600


async def test_nobody_waits_for_a_pipe_in_place_of_a_certificate(files: PairFiles) -> None:
    files.certificate.unlink()
    os.mkfifo(files.certificate)
    given = {"tls_certificate": str(files.certificate), "tls_key": str(files.key)}
    async with running_gateway(state=str(files.folder), stand_in=True, **given) as gateway:
        (told,) = gateway.events("certificate_stands_in")
        assert told["error"] == f"{files.certificate} is no regular file"


async def test_a_start_without_a_stand_in_ends_with_one_sentence(files: PairFiles) -> None:
    files.replace(WRONG["a key of another certificate"])
    with pytest.raises(ValueError, match=r"cannot be used as .*: key values mismatch$"):
        async with served(files):
            pass


def test_processes_that_start_at_once_make_one_pair(tmp_path: Path) -> None:
    """The state folder is new to all of them."""
    kept = Configuration(state=str(tmp_path))
    journal = Journal(io.StringIO(), lambda: NOW, addresses=False)

    def start(_: int) -> bool:
        made = server_certificate(kept, HOST, lambda: NOW, journal)
        return isinstance(made.context, ssl.SSLContext)  # it refuses what does not belong together

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(start, range(16)))


@pytest.mark.parametrize(("days", "said"), [(-200, "it ended on 2"), (5, "it is not valid yet")])
async def test_one_that_is_not_valid_now_keeps_the_old_one(
    files: PairFiles, days: int, said: str
) -> None:
    async with served(files) as gateway:
        authority, now = Authority(), NOW
        certificate = certificate_of(gateway)
        later = authority.pair(HOST, made_at=now + days * 86_400)
        files.replace(later)
        for _ in range(3):
            certificate.look()
        assert await met(gateway) == {FIRST.fingerprint}
        (refused,) = gateway.events("certificate_refused")
        assert refused["error"].startswith(f"{files.certificate} cannot be used: {said}")
        good = authority.pair(HOST, made_at=now - 60)
        files.replace(good)
        certificate.look()
        assert await met(gateway) == {good.fingerprint}


async def test_an_old_one_is_better_than_none(files: PairFiles) -> None:
    authority = Authority()
    old, older = (authority.pair(HOST, made_at=days) for days in (1e9, 1e9 - 60))
    files.replace(old)
    async with served(files) as gateway:
        assert await met(gateway) == {old.fingerprint}
        files.replace(older)
        certificate_of(gateway).look()
        assert await met(gateway) == {older.fingerprint}


async def test_those_between_it_and_the_authority_are_shown(
    files: PairFiles,
) -> None:
    authority = Authority()
    async with served(files) as gateway:
        files.replace(authority.pair(HOST, made_at=time.time() - 60))
        certificate_of(gateway).look()
        trusted = ssl.create_default_context(cadata=authority.root.decode())
        plain = await gateway.connect()
        await plain.say("EHLO client.test")
        await plain.start_tls(trusted, HOST)
        assert (await plain.say("EHLO client.test")).code == 250


async def test_files_that_are_gone_for_a_moment_are_tried_again(files: PairFiles) -> None:
    async with served(files) as gateway:
        aside = files.key.rename(files.folder / "aside.pem")
        certificate_of(gateway).look()
        assert await met(gateway) == {FIRST.fingerprint}
        assert len(gateway.events("certificate_refused")) == 1
        aside.rename(files.key)
        certificate_of(gateway).look()
        assert len(gateway.events("certificate_loaded")) == 1


async def test_a_key_with_a_password_is_refused_and_nobody_is_asked(files: PairFiles) -> None:
    from cryptography.hazmat.primitives import serialization as forms

    loaded = forms.load_pem_private_key(SECOND.key, None)
    how = forms.BestAvailableEncryption(b"secret")
    key = loaded.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, how)
    async with served(files) as gateway:
        files.replace(Pair(SECOND.certificate, key))
        certificate_of(gateway).look()
        assert len(gateway.events("certificate_refused")) == 1
        assert await met(gateway) == {FIRST.fingerprint}


async def test_files_that_stay_are_not_loaded_again_unless_asked(files: PairFiles) -> None:
    async with served(files) as gateway:
        certificate_of(gateway).look()
        assert gateway.events("certificate_loaded") == []
        gateway.gateway.reload_certificate()
        assert len(gateway.events("certificate_loaded")) == 1
        files.replace(WRONG["half a key"])
        for _ in range(2):  # who asks is told each time
            gateway.gateway.reload_certificate()
        assert len(gateway.events("certificate_refused")) == 2


async def test_it_is_found_without_being_asked_for(
    files: PairFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "LOOK_SECONDS", 0.01)
    async with served(files) as gateway:
        files.replace(SECOND)
        async with asyncio.timeout(PATIENCE):
            while await met(gateway) != {SECOND.fingerprint}:
                await asyncio.sleep(0.01)
        assert gateway.events("certificate_loaded")
