"""`python -m infra.smarthost` stores a way out whose password only the installation can read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.tenancy import EgressKind
from infra import smarthost

COMMAND = ["--name", "ses", "--host", "smtp.acme.test", "--username", "me"]


@pytest.fixture
def program() -> Iterator[Posthorn]:
    made = bootstrap.in_memory()
    bootstrap.use(made)
    yield made
    bootstrap.use(None)


def test_the_source_is_stored_with_its_password_sealed(
    program: Posthorn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SMARTHOST_PASSWORD", "secret")
    assert smarthost.main(COMMAND) == 0
    assert "smtp.acme.test:587" in capsys.readouterr().out
    (source,) = asyncio.run(program.directory.egress_sources("default"))
    assert (source.kind, source.host, source.port, source.tls) == (
        EgressKind.SMARTHOST,
        "smtp.acme.test",
        587,
        "required",
    )
    assert source.sealed_password is not None
    assert asyncio.run(program.vault.open(source.sealed_password, source.context)) == b"secret"


def test_the_same_name_twice_is_one_sentence(
    program: Posthorn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SMARTHOST_PASSWORD", "secret")
    assert smarthost.main(COMMAND) == 0
    assert smarthost.main(COMMAND) == 1
    assert capsys.readouterr().err.startswith("posthorn: ")


def test_a_missing_password_is_asked_for(
    program: Posthorn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SMARTHOST_PASSWORD", raising=False)
    assert smarthost.main(COMMAND) == 1
    assert "SMARTHOST_PASSWORD" in capsys.readouterr().err
    assert asyncio.run(program.accounts_store.egress_sources("default")) == []
