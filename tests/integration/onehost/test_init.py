"""`posthorn init` sets a host up once, shows keys once, and changes nothing the second time."""

from __future__ import annotations

import pwd
import re
from ipaddress import ip_address
from pathlib import Path

import apsw
import pytest

from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings, read_settings
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.services.tenancy.authenticate import Authenticate
from gateway.configuration import read_configuration
from onehost import settings_file
from onehost.commands import init as commands_init
from onehost.doctor import families
from onehost.options import read_options
from onehost.settings_file import environment_of
from onehost.setup import new_settings
from onehost.setup.addresses import every_address
from onehost.setup.first_accounts import Wanted, make_accounts
from tests.dns_zone import DnsZone
from tests.integration.onehost.conftest import Run

HOST = ("--hostname", "Mail.Acme.com")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "mine.toml"


def contents(folder: Path) -> list[object]:
    """Every row of the databases, and the key."""
    found: list[object] = [(folder / "key").read_bytes()]
    for name in ("control.db", "mail.db"):
        db = apsw.Connection(str(folder / name), flags=apsw.SQLITE_OPEN_READONLY)
        for (table,) in db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table'"
        ).fetchall():
            rows = db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608  # the schema's own name
            found.append((table, rows))
        db.close()
    return found


def test_a_host_is_set_up(posthorn: Run, state: Path, file: Path) -> None:
    at = ("--config", str(file), "--state", str(state))
    outcome = posthorn("init", *at, *HOST, "--domain", "acme.com", "--json")
    assert outcome.code == 0, outcome.err
    found = outcome.json
    assert (found["new"], found["settings_file_written"]) == (True, True)
    assert found["servers"] == ["main/main"]
    assert found["smtp"]["username"] == "main/main"
    assert found["key_file"] == str(state / "key")
    records = {(one["type"], one["name"]): one["value"] for one in found["records"]}
    assert records["MX", "rp.mail.acme.com"] == "10 mail.acme.com"
    assert records["TXT", "spf.mail.acme.com"] == "v=spf1 a:mail.acme.com -all"
    assert records["CNAME", "track.mail.acme.com"] == "mail.acme.com"
    assert records["TXT", "posthorn._domainkey.rp.mail.acme.com"].startswith("v=DKIM1; ")
    (domain,) = found["domains"]
    assert {one["purpose"] for one in domain["records"]} >= {"ownership", "dkim-rsa", "spf"}
    # What was written is what the next command reads.
    (listed,) = posthorn("--config", str(file), "server", "list", "--json").json
    assert listed["server"] == "main/main"
    (source,) = posthorn("--config", str(file), "source", "list", "--json").json
    assert source["name"] == "default"


async def test_its_keys_let_clients_in(state: Path) -> None:
    program = Posthorn(Settings(state_folder=str(state)), "sqlite")
    made = await make_accounts(program, Wanted("Acme", "Mail", ""))
    for key, kind in ((made.smtp_key, CredentialKind.SMTP), (made.api_key, CredentialKind.API)):
        principal = await program[Authenticate].by_key(key or "", frozenset({kind}))
        assert principal.server.full_name == "acme/mail"


def test_the_second_time_nothing_changes(posthorn: Run, state: Path, file: Path) -> None:
    at = ("--config", str(file))
    first = posthorn(
        "init", *at, "--state", str(state), *HOST, "--domain", "acme.com", "--json"
    ).json
    before = (file.read_bytes(), contents(state))
    again = posthorn("init", *at, "--organization", "Other", "--domain", "other.example", "--json")
    assert again.code == 0
    assert (file.read_bytes(), contents(state)) == before
    assert (again.json["new"], again.json["settings_file_written"]) == (False, False)
    assert again.json["smtp"] is again.json["api"] is None
    assert again.json["records"] == first["records"]
    text = posthorn("init", *at)
    assert "was set up before: nothing changed" in text.out
    assert first["smtp"]["key"] not in text.out + text.err


def test_it_says_by_what_mail_leaves(
    posthorn: Run, state: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = ("--config", str(file), "--state", str(state))
    monkeypatch.setattr(families, "outgoing_addresses", lambda: ("10.0.0.9", "2001:db8::9"))
    with DnsZone() as zone:
        monkeypatch.setenv("POSTHORN_DNS_SERVER", zone.server)
        posthorn("init", *at, *HOST)
        reason = "2001:db8::9 has no reverse name"
        told = f"Source default sends by IPv4 alone: {reason}"
        assert posthorn("init", *at, "--json").json["families"] == [
            {"result": "warning", "text": told}
        ]
        assert f"By what mail leaves:\n\n  {told}." in posthorn("init", *at).out
        zone.ptr("2001:db8::9", "mail.acme.com")
        zone.aaaa("mail.acme.com", "2001:db8::9")
        (found,) = posthorn("init", *at, "--json").json["families"]
        assert found == {"result": "ok", "text": "Source default sends by IPv4 and IPv6"}
        zone.fail(ip_address("2001:db8::9").reverse_pointer, "TIMEOUT")
        monkeypatch.setattr(commands_init, "DNS_SECONDS", 0.1)
        (found,) = posthorn("init", *at, "--json").json["families"]
        assert found["result"] == "not checked"
        assert found["text"].startswith("The name servers do not answer")


def test_ports_are_heard_by_both_families_where_the_system_has_both(
    posthorn: Run, state: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bind in (every_address(), "0.0.0.0"):  # what is written
        monkeypatch.setattr(new_settings, "every_address", lambda bind=bind: bind)
        posthorn("init", "--config", str(file), "--state", str(state), *HOST)
        assert read_configuration(environment_of(file, {})).gateway_bind == bind
        file.unlink()
    assert every_address() in ("::", "0.0.0.0")


def test_text_for_people_has_all_that_json_has(posthorn: Run, state: Path, file: Path) -> None:
    at = ("--config", str(file), "--state", str(state))
    out = posthorn("init", *at, *HOST, "--domain", "acme.com").out
    assert "Shown this once" in out
    assert len(re.findall(r"^(?:SMTP password|API key) +\S{20,}$", out, re.MULTILINE)) == 2
    for word in (
        "TXT acme.com  (ownership)",
        "MX rp.mail.acme.com",
        "posthorn doctor",
        "1. Publish",
    ):
        assert word in out


def test_what_an_interrupted_run_left_is_used(posthorn: Run, state: Path, file: Path) -> None:
    at = ("--config", str(file), "--state", str(state))
    assert posthorn("init", *at, *HOST, "--domain", "no domain").code == 1
    found = posthorn("init", *at, "--domain", "acme.com", "--json").json
    assert found["servers"] == ["main/main"]
    assert [one["name"] for one in found["domains"]] == ["acme.com"]


def test_the_written_file_is_read_by_everybody(posthorn: Run, state: Path, file: Path) -> None:
    posthorn("init", "--config", str(file), "--state", str(state), *HOST)
    found = environment_of(file, {})
    settings, configuration = read_settings(found), read_configuration(found)
    assert settings.state_folder == str(state)
    assert settings.return_path_domain == "rp.mail.acme.com"
    assert [port for _, port in configuration.listeners] == [25, 587, 465]
    options = read_options(found)
    assert options.http_port == 8000
    assert [str(network) for network in options.http_proxies] == ["127.0.0.1/32"]


def test_without_a_name_it_says_which_option_to_give(
    posthorn: Run, state: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands_init.socket, "getfqdn", lambda: "localhost")
    outcome = posthorn("init", "--config", str(file), "--state", str(state))
    assert outcome.code == 1
    assert "--hostname mail.example.com" in outcome.err
    assert not file.exists()
    assert not state.exists()


@pytest.mark.parametrize("name", ["mail", "not a name", "192.0.2.1"])
def test_what_is_no_host_name(posthorn: Run, state: Path, file: Path, name: str) -> None:
    outcome = posthorn("init", "--config", str(file), "--state", str(state), "--hostname", name)
    assert (outcome.code, outcome.out) == (1, "")
    assert f"'{name}' is no full host name" in outcome.err


def test_another_name_than_that_of_the_settings(posthorn: Run, state: Path, file: Path) -> None:
    at = ("--config", str(file), "--state", str(state))
    posthorn("init", *at, *HOST)
    outcome = posthorn("init", *at, "--hostname", "other.acme.com")
    assert outcome.code == 1
    assert "already set up as mail.acme.com" in outcome.err


def test_a_name_without_a_file_to_write_it_to(posthorn: Run, state: Path) -> None:
    outcome = posthorn("init", "--state", str(state), *HOST)
    assert outcome.code == 1
    assert "POSTHORN_SMTP_HOSTNAME" in outcome.err
    assert not state.exists()


def test_with_a_state_folder_of_the_environment_no_file_is_written(
    posthorn: Run, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTHORN_STATE_FOLDER", str(state))
    monkeypatch.setenv("POSTHORN_SMTP_HOSTNAME", "mail.acme.com")
    found = posthorn("init", "--json").json
    assert (found["settings_file"], found["settings_file_written"]) == (None, False)
    assert not settings_file.DEFAULT_PATH.exists()


def test_settings_without_a_state_folder(posthorn: Run, file: Path) -> None:
    file.parent.mkdir()
    file.write_text('smtp_hostname = "mail.acme.com"\n')
    outcome = posthorn("init", "--config", str(file))
    assert outcome.code == 1
    assert "No state folder is named" in outcome.err


def test_a_file_that_cannot_be_written(posthorn: Run, state: Path, tmp_path: Path) -> None:
    (tmp_path / "no-folder").write_text("")
    file = tmp_path / "no-folder" / "posthorn.toml"
    outcome = posthorn("init", "--config", str(file), "--state", str(state), *HOST)
    assert outcome.code == 1
    assert "cannot be written: File exists; name another with --config" in outcome.err


def test_root_makes_no_folder_for_the_services_user(
    posthorn: Run, state: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands_init.os, "geteuid", lambda: 0)
    monkeypatch.setattr(commands_init.pwd, "getpwnam", lambda name: pwd.getpwuid(0))
    outcome = posthorn("init", "--config", str(file), "--state", str(state), *HOST)
    assert outcome.code == 1
    assert "runuser -u posthorn -- posthorn init" in outcome.err
    assert not state.exists()


def test_a_person_at_a_terminal_is_asked(
    posthorn: Run, state: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["mail.acme.com", "ada@acme.com", "Acme", "Letters", ""])
    monkeypatch.setattr(commands_init.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(commands_init.click, "prompt", lambda *_, **__: next(answers))
    outcome = posthorn("init", "--config", str(file), "--state", str(state))
    assert outcome.code == 0, outcome.err
    assert "acme/letters" in outcome.out
    assert "posthorn domain add" in outcome.out
    assert read_settings(environment_of(file, {})).postmaster == "ada@acme.com"


def test_the_postmaster_is_named_once(posthorn: Run, state: Path, file: Path) -> None:
    at = ("--config", str(file), "--state", str(state))
    wrong = posthorn("init", *at, *HOST, "--postmaster", "nobody")
    assert (wrong.code, wrong.err.count("'nobody' is no address")) == (1, 1)
    assert posthorn("init", *at, *HOST, "--postmaster", "ada@acme.com").code == 0
    assert read_settings(environment_of(file, {})).postmaster == "ada@acme.com"
    assert posthorn("init", *at, "--postmaster", "ada@acme.com").code == 0
    other = posthorn("init", *at, "--postmaster", "bob@acme.com")
    assert (other.code, "change postmaster in its settings" in other.err) == (1, True)
