"""`posthorn certificate install`, and the hook that calls it: what an ACME client has obtained is taken over for SMTP,
and what cannot be used is refused in one sentence while the files that are there stay."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from onehost.commands import certificate
from tests.certificates import Authority, Pair, PairFiles, new_pair, of_no_version
from tests.integration.onehost.conftest import Outcome, Run

HOOK = Path(__file__).resolve().parents[3] / "infra/onehost/hooks/posthorn-certificate"
NAME = "mail.acme.test"
NOW = time.time()
GOOD, NEWER, OTHER = (Authority().pair(NAME, made_at=NOW - age) for age in (3_600, 60, 60))


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PairFiles:
    """Where the settings want it: nothing is there yet."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "state").mkdir()
    found = PairFiles(tmp_path / "etc")
    for name, value in {
        "STATE_FOLDER": tmp_path / "state",
        "SMTP_HOSTNAME": NAME,
        "TLS_CERTIFICATE": found.certificate,
        "TLS_KEY": found.key,
    }.items():
        monkeypatch.setenv(f"POSTHORN_{name}", str(value))
    return found


@pytest.fixture
def source(tmp_path: Path) -> PairFiles:
    """What an ACME client has."""
    (tmp_path / "acme").mkdir()
    found = PairFiles(tmp_path / "acme")
    found.replace(GOOD)
    return found


def install(posthorn: Run, source: PairFiles) -> Outcome:
    return posthorn("certificate", "install", "--json", str(source.certificate), str(source.key))


def there(target: PairFiles) -> Pair:
    return Pair(target.certificate.read_bytes(), target.key.read_bytes())


def test_it_is_put_in_place_with_its_chain(
    posthorn: Run, target: PairFiles, source: PairFiles
) -> None:
    outcome = install(posthorn, source)
    assert outcome.code == 0, outcome.err
    assert (outcome.json["new"], outcome.json["told"]) == (True, False)
    assert there(target) == GOOD
    assert there(target).certificate.count(b"BEGIN CERTIFICATE") == 2
    assert stat.S_IMODE(target.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(target.certificate.stat().st_mode) == 0o644
    assert sorted(path.name for path in target.folder.iterdir()) == ["certificate.pem", "key.pem"]


def test_a_second_time_changes_nothing(posthorn: Run, target: PairFiles, source: PairFiles) -> None:
    install(posthorn, source)
    before = target.certificate.stat(), target.key.stat()
    assert install(posthorn, source).json["new"] is False
    assert (target.certificate.stat(), target.key.stat()) == before
    source.replace(NEWER)
    assert install(posthorn, source).json["new"] is True
    assert there(target) == NEWER


LATER, ENDED = (Authority().pair(NAME, made_at=NOW - days * 86_400) for days in (-10, 100))
WRONG = {
    "a key of another": (Pair(NEWER.certificate, OTHER.key), "do not belong together"),
    "another name": (Authority().pair("x.test", made_at=NOW - 60), "is for x.test, and not for"),
    "below the name": (Authority().pair(f"*.{NAME}", made_at=NOW - 60), "and not for"),
    "ended": (ENDED, "ended on 2"),
    "not yet": (LATER, "is not valid yet; look at the clock"),
    "half a certificate": (Pair(NEWER.certificate[:200], NEWER.key), "has no certificate"),
    "half a chain": (Pair(NEWER.certificate[:-200], NEWER.key), "cannot be used"),
    "half a key": (Pair(NEWER.certificate, NEWER.key[:80]), "cannot be used"),
    "no certificate": (Pair(b"", NEWER.key), "has no certificate"),
    "a version that nobody knows": (of_no_version(new_pair(NAME)), "has no certificate"),
    "no key": (Pair(NEWER.certificate, b""), "cannot be used"),
    "noise": (Pair(bytes(range(256)) * 40, NEWER.key), "has no certificate"),
    "far too large": (Pair(NEWER.certificate + b"x" * (1 << 20), NEWER.key), "it is too large"),
}


@pytest.mark.parametrize(("pair", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_refused_and_the_old_one_stays(
    posthorn: Run, target: PairFiles, source: PairFiles, pair: Pair, said: str
) -> None:
    install(posthorn, source)
    source.replace(pair)
    outcome = install(posthorn, source)
    assert outcome.code == 1
    (sentence,) = outcome.err.splitlines()
    assert said in sentence
    assert sentence.endswith("; nothing was changed.")
    assert there(target) == GOOD
    assert sorted(path.name for path in target.folder.iterdir()) == ["certificate.pem", "key.pem"]


def test_files_that_are_not_there(posthorn: Run, target: PairFiles, tmp_path: Path) -> None:
    outcome = install(posthorn, PairFiles(tmp_path))
    assert outcome.code == 1
    assert "certificate.pem cannot be read: No such file or directory" in outcome.err
    assert posthorn("certificate", "install", str(target.certificate)).code == 2


def test_no_place_for_it(
    posthorn: Run, target: PairFiles, source: PairFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TLS_CERTIFICATE", "TLS_KEY"):
        monkeypatch.delenv(f"POSTHORN_{name}")
    outcome = install(posthorn, source)
    assert outcome.code == 1
    assert "tls_certificate and tls_key are not set" in outcome.err


def test_one_file_for_both_is_refused(
    posthorn: Run, target: PairFiles, source: PairFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTHORN_TLS_KEY", str(target.certificate))
    target.certificate.write_bytes(GOOD.key + GOOD.certificate)
    outcome = install(posthorn, source)
    assert outcome.code == 1
    assert "tls_certificate and tls_key name the same file: name two" in outcome.err
    assert target.certificate.read_bytes() == GOOD.key + GOOD.certificate


def test_a_link_that_somebody_put_in_the_way_is_not_followed(
    posthorn: Run, target: PairFiles, source: PairFiles, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    target.key.symlink_to(elsewhere)
    (target.folder / f".key.pem.{os.getpid()}.new").symlink_to(elsewhere)
    assert install(posthorn, source).code == 1
    assert elsewhere.read_text() == "precious"
    assert install(posthorn, source).code == 0
    assert elsewhere.read_text() == "precious"
    assert there(target) == GOOD


def test_that_of_caddy_is_the_one_that_is_valid_longest(
    posthorn: Run, target: PairFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caddy = ("certificate", "install", "--json", "--caddy", str(tmp_path))
    outcome = posthorn(*caddy)
    assert outcome.code == 1
    assert f"Caddy has no certificate for {NAME}" in outcome.err
    for authority, pair in {"old": GOOD, "new": NEWER, "broken": Pair(b"", b"")}.items():
        keep(tmp_path / "certificates" / authority / NAME, pair)
    assert posthorn(*caddy).code == 0
    assert there(target) == NEWER
    monkeypatch.setenv("POSTHORN_SMTP_HOSTNAME", NAME.upper())
    assert posthorn(*caddy).json["new"] is False


def test_one_of_caddy_with_a_star(posthorn: Run, target: PairFiles, tmp_path: Path) -> None:
    pair = Authority().pair("*.acme.test", made_at=NOW - 60)
    keep(tmp_path / "certificates/any/wildcard_.acme.test", pair)
    assert posthorn("certificate", "install", "--caddy", str(tmp_path)).code == 0
    assert there(target) == pair


def keep(folder: Path, pair: Pair) -> None:
    """As Caddy does."""
    folder.mkdir(parents=True)
    (folder / f"{folder.name}.crt").write_bytes(pair.certificate)
    (folder / f"{folder.name}.key").write_bytes(pair.key)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command as an installed one."""
    path = tmp_path / "posthorn"
    called = (
        f"import sys; sys.path[:0] = {sys.path!r}; from onehost.main import main; sys.exit(main())"
    )
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -c "$PROGRAM" "$@"\n')
    path.chmod(0o755)
    monkeypatch.setenv("PROGRAM", called)
    return path


def run_hook(program: Path, **told: object) -> subprocess.CompletedProcess[str]:
    variables = {name: str(value) for name, value in told.items()}
    environment = os.environ | variables | {"POSTHORN": str(program)}
    return subprocess.run([HOOK], env=environment, capture_output=True, text=True, check=False)


def test_the_hook_knows_what_certbot_and_lego_tell(
    program: Path, target: PairFiles, source: PairFiles
) -> None:
    lego = {"LEGO_CERT_PATH": source.certificate, "LEGO_CERT_KEY_PATH": source.key}
    done = run_hook(program, **lego)
    assert done.returncode == 0, done.stderr
    assert there(target) == GOOD
    (source.folder / "fullchain.pem").write_bytes(NEWER.certificate)
    (source.folder / "privkey.pem").write_bytes(NEWER.key)
    done = run_hook(program, RENEWED_LINEAGE=source.folder)
    assert done.returncode == 0, done.stderr
    assert there(target) == NEWER
    (source.folder / "privkey.pem").write_bytes(OTHER.key)
    done = run_hook(program, RENEWED_LINEAGE=source.folder)
    assert done.returncode == 1
    assert "do not belong together; nothing was changed." in done.stderr
    assert there(target) == NEWER


def test_no_path_is_taken_for_an_option(
    program: Path, target: PairFiles, source: PairFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.folder)
    source.certificate.rename("--caddy")
    done = run_hook(program, LEGO_CERT_PATH="--caddy", LEGO_CERT_KEY_PATH="key.pem")
    assert done.returncode == 0, done.stderr
    assert there(target) == GOOD


@pytest.mark.parametrize("is_theirs", [True, False])
def test_only_a_program_of_who_owns_the_folder_is_told(
    posthorn: Run,
    target: PairFiles,
    source: PairFiles,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_theirs: bool,
) -> None:
    said, owner = tmp_path / "state/run/supervisor.lock", os.geteuid()
    monkeypatch.setattr(certificate, "_owner", lambda _: owner if is_theirs else owner + 1)
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *signalled: told.append(signalled))
    said.parent.mkdir()
    said.write_text('{"pid": 4321, "started_at": 1}')
    with said.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert install(posthorn, source).json["told"] is is_theirs
    assert told == ([(4321, signal.SIGHUP)] if is_theirs else [])


def test_whose_a_process_is() -> None:
    assert certificate._owner(os.getpid()) == os.geteuid()


def test_the_hook_called_by_nobody(program: Path, target: PairFiles) -> None:
    done = run_hook(program)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
