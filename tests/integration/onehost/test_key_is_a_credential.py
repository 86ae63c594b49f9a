"""The key as a credential of systemd, in place of the file in the state folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.onehost.conftest import Run
from tests.one_host import refusal

OTHER_KEY = "ab" * 32
Patch = pytest.MonkeyPatch


@pytest.fixture
def credential(tmp_path: Path, monkeypatch: Patch) -> Path:
    """Where systemd puts it, and what it sets; there is none yet."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder / "key"


@pytest.fixture
def state(tmp_path: Path, posthorn: Run, monkeypatch: Patch) -> Path:
    """A folder that was set up with a file."""
    folder = tmp_path / "state"
    monkeypatch.setenv("POSTHORN_STATE_FOLDER", str(folder))
    monkeypatch.setenv("POSTHORN_SMTP_HOSTNAME", "mail.acme.test")
    for name in ("MX", "SUBMISSION", "SUBMISSIONS", "HTTP", "HEALTH"):
        monkeypatch.setenv(f"POSTHORN_{name}_PORT", "0")
    assert posthorn("init", "--json").code == 0
    return folder


def given(credential: Path, text: str) -> None:
    """As systemd leaves it: an ACL for the service shows as a right of the group."""
    credential.write_text(text)
    credential.chmod(0o440)


def became_credential(state: Path, credential: Path) -> None:
    given(credential, (state / "key").read_text())
    (state / "key").unlink()


def refused(posthorn: Run, *arguments: str) -> str:
    """The one sentence."""
    if arguments == ("serve",):
        return refusal(os.environ)
    outcome = posthorn(*arguments)
    assert outcome.code == 1
    (sentence,) = outcome.err.splitlines()
    return sentence


def test_it_opens_what_the_file_sealed(state: Path, credential: Path, posthorn: Run) -> None:
    became_credential(state, credential)
    assert posthorn("organization", "list").code == 0
    assert posthorn("organization", "create", "Second").code == 0
    assert posthorn("check").code == 0
    assert not (state / "key").exists()


def test_it_seals_a_new_folder_and_no_file_is_made(
    tmp_path: Path, credential: Path, posthorn: Run, monkeypatch: Patch
) -> None:
    given(credential, OTHER_KEY)
    new = tmp_path / "new"
    monkeypatch.setenv("POSTHORN_SMTP_HOSTNAME", "mail.acme.test")
    made = posthorn("init", "--state", str(new), "--json")
    assert made.json["key_file"] == str(credential)
    assert not (new / "key").exists()
    assert posthorn("check", "--state", str(new)).code == 0


def test_without_it_and_without_a_file(state: Path, credential: Path, posthorn: Run) -> None:
    became_credential(state, credential)
    credential.unlink()
    assert "is missing: put it back from where it was saved, or give this the credential" in (
        refused(posthorn, "organization", "list")
    )
    assert "is missing" in posthorn("check").out
    assert not (state / "key").exists()


@pytest.mark.parametrize("command", ["organization list", "serve"])
def test_a_wrong_one(state: Path, credential: Path, posthorn: Run, command: str) -> None:
    (state / "key").unlink()
    given(credential, OTHER_KEY)
    sentence = refused(posthorn, *command.split())
    assert f"{credential} is not the key file of this state folder" in sentence


@pytest.mark.parametrize("command", ["organization list", "serve", "init"])
def test_one_that_differs_from_the_file(
    state: Path, credential: Path, posthorn: Run, command: str
) -> None:
    given(credential, OTHER_KEY)
    sentence = refused(posthorn, *command.split())
    assert (
        f"The credential {credential} and the key file {state / 'key'} have different" in sentence
    )
    checked = posthorn("check")
    assert (checked.code, "have different keys" in checked.out) == (1, True)


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [("secret", 0o400, "is no key file"), (OTHER_KEY, 0o444, "Others may read")],
)
def test_one_that_cannot_be_used(
    state: Path, credential: Path, posthorn: Run, text: str, mode: int, why: str
) -> None:
    (state / "key").unlink()
    given(credential, text)
    credential.chmod(mode)
    assert why in refused(posthorn, "organization", "list")


def test_a_backup_needs_none_and_says_where_it_is(
    state: Path, tmp_path: Path, credential: Path, posthorn: Run
) -> None:
    became_credential(state, credential)
    said = posthorn("backup", str(tmp_path / "saved"))
    assert (said.code, f"keep a copy of {credential}" in said.out) == (0, True)
    credential.unlink()
    said = posthorn("backup", str(tmp_path / "saved"))
    assert said.code == 0
    assert (
        "neither in it nor in the state folder: keep a copy of the service's credential" in said.out
    )
    given(credential, OTHER_KEY)
    (state / "key").write_text("cd" * 32)
    assert posthorn("backup", str(tmp_path / "saved")).code == 0


def test_a_restore_takes_it(state: Path, tmp_path: Path, credential: Path, posthorn: Run) -> None:
    became_credential(state, credential)
    saved, other = str(tmp_path / "saved"), tmp_path / "other"
    assert posthorn("backup", saved).code == 0
    right = credential.read_text()
    restore = ("restore", saved, "--state", str(other))
    credential.chmod(0o600)
    given(credential, OTHER_KEY)
    assert f"{credential} is not the key of this backup" in refused(posthorn, *restore)
    credential.unlink()
    assert "or give this the credential `key`" in refused(posthorn, *restore)
    assert not other.exists()
    given(credential, right)
    assert posthorn(*restore).code == 0
    assert posthorn("check", "--state", str(other)).code == 0
    assert not (other / "key").exists()
