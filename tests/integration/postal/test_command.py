"""`posthorn import postal` as it is called: its report, its exit codes, and one sentence for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from onehost.main import main
from tests.loopback import free_port
from tests.mariadb import Postal, an_rsa_key


@pytest.fixture
def files(tmp_path: Path, postal: Postal) -> Path:
    (tmp_path / "signing.key").write_text(an_rsa_key(1024))
    (tmp_path / "postal.yml").write_text(
        f"version: 2\nmessage_db:\n  database_name_prefix: {postal.name}\n"
    )
    return tmp_path


def run(files: Path, url: str, *options: str) -> int:
    state = str(files / "state")
    arguments = ["import", "postal", "--state", state, "--config", str(files / "postal.yml")]
    return main([*arguments, "--url", url, *options])


def test_a_report_for_people_and_one_for_programs(
    files: Path, postal: Postal, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(files, postal.url, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "Nothing was changed" in shown and "routes: 12 new" in shown
    assert "ehdexf@rp.postal.example.com" in shown
    key = str(files / "signing.key")
    assert run(files, postal.url, "--signing-key", key, "--json") == 0
    assert '"counts"' in capsys.readouterr().out
    postal.run("UPDATE webhooks SET url = 'nowhere' WHERE id = 1")
    assert run(files, postal.url) == 1
    shown = capsys.readouterr().out
    assert "Not brought:" in shown and "nowhere is no http or https URL" in shown


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgres://a:hidden@b/c", "The URL of the database is mysql://"),
        ("mysql://a:hidden@127.0.0.1:{port}/postal", "answered:"),
        ("mysql://a:hidden@127.0.0.1:99999/postal", "The URL of the database is mysql://"),
        ("mysql://[::1", "The URL of the database is mysql://"),
        ("mysql://a:hidden@b/a`b", "The name of a database has letters"),
    ],
)
def test_what_cannot_be_asked_is_said_without_the_password(
    files: Path, url: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(files, url.format(port=free_port())) != 0
    said = capsys.readouterr()
    assert sentence in said.err and "hidden" not in said.err + said.out


def test_another_database_is_no_postal(
    files: Path, postal: Postal, capsys: pytest.CaptureFixture[str]
) -> None:
    url = postal.url.replace(f"/{postal.name}", "/information_schema")
    assert run(files, url) != 0
    assert "no Postal 3 in this database" in capsys.readouterr().err


def test_files_that_are_none(
    files: Path, postal: Postal, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content, sentence in (
        ("postal.yml", b"a: [", "cannot be read as YAML"),
        ("postal.yml", b"\xff\xfe\x00", "cannot be read as YAML"),
        ("postal.yml", b"[" * 100_000, "cannot be read as YAML"),
        ("postal.yml", b" " * 2_000_000, "is larger than"),
        ("postal.yml", b"", ""),
    ):
        (files / name).write_bytes(content)
        run(files, postal.url, "--dry-run")
        assert sentence in capsys.readouterr().err
    (files / "signing.key").write_text("no key")
    assert run(files, postal.url, "--signing-key", str(files / "signing.key")) != 0
    assert "is no RSA key" in capsys.readouterr().err
    assert run(files, postal.url, "--signing-key", str(files / "absent")) != 0
    assert "absent: No such file" in capsys.readouterr().err
