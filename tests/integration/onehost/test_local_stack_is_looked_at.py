"""`posthorn doctor` and `posthorn status` find the local stack that runs here, as other commands do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chalicelib import bootstrap
from chalicelib.cli import stack as stack_module
from tests.dns_zone import DnsZone
from tests.integration.cli.conftest import Outcome, Run
from tests.integration.onehost.conftest import make_tenant
from tests.loopback import free_port


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a stack that does not serve."""
    folder = tmp_path / "stack"
    folder.mkdir(mode=0o700)
    bootstrap.run(make_tenant(folder / "sqlite"))
    monkeypatch.setattr(stack_module, "REPOSITORY", tmp_path / "nowhere")
    monkeypatch.chdir(tmp_path)
    return folder


def describe(folder: Path, **environment: str) -> Path:
    facts = {
        "engine": "sqlite",
        "http": "http://127.0.0.1:8000",
        "smtp": {"host": "127.0.0.1", "submission": 2587},
        "server": {"from": "a@b.test", "api_key": "k", "smtp_username": "u", "smtp_key": "s"},
        "environment": {
            "POSTHORN_STATE_FOLDER": str(folder / "sqlite"),
            **environment,
        },
    }
    path = folder / "stack.json"
    path.write_text(json.dumps(facts))
    path.chmod(0o600)
    return path


def found(outcome: Outcome, check: str) -> list[str]:
    (one,) = (each for each in outcome.json["checks"] if each["check"] == check)
    return [each["text"] for each in one["findings"]]


@pytest.mark.parametrize("is_named", [True, False])
def test_the_stack_is_examined(
    posthorn: Run, stack: Path, monkeypatch: pytest.MonkeyPatch, is_named: bool
) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    with DnsZone() as zone:
        path = describe(stack, POSTHORN_DNS_SERVER=zone.server)
        if not is_named:
            monkeypatch.setenv("POSTHORN_STATE", str(stack))
        named = ("--stack", str(path)) if is_named else ()
        asked = ("doctor", "--json", "--mx", nobody, "--time-from", nobody)
        outcome = posthorn(*named, *asked)
        assert found(outcome, "settings") == ["read from the local stack"]
        assert any(str(stack / "sqlite") in text for text in found(outcome, "state folder"))
        status = posthorn(*named, "status", "--json").json
        assert status["state_folder"] == str(stack / "sqlite")


def test_a_state_folder_that_is_named_comes_first(
    posthorn: Run, stack: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    describe(stack)
    monkeypatch.setenv("POSTHORN_STATE", str(stack))
    bootstrap.run(make_tenant(tmp_path / "other"))
    named = posthorn("status", "--state", str(tmp_path / "other"), "--json").json
    assert named["state_folder"] == str(tmp_path / "other")


def test_without_stack_and_folder_it_is_said_what_to_name(posthorn: Run, stack: Path) -> None:
    outcome = posthorn("doctor")
    assert outcome.code == 1
    assert "No state folder is named" in outcome.out
