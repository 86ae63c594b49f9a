"""Organizations, servers, domains and credentials are managed from the command line, for people and for machines."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.tenancy.credentials import CREDENTIALS
from chalicelib.domain.tenancy.findings import Purpose
from chalicelib.domain.tenancy.installation import INSTALLATION, Installation
from chalicelib.domain.tenancy.owners import THE_INSTALLATION, of_server
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.servers import Servers
from tests.integration.cli.conftest import Run
from tests.published import publish


def test_an_organization_is_created_listed_suspended_and_freed(posthorn: Run) -> None:
    made = posthorn("organization", "create", "Acme & Co", "--json")
    assert made.code == 0
    assert made.json["permalink"] == "acme-co"
    assert "acme-co" in posthorn("organization", "list").out
    suspended = posthorn("organization", "suspend", "acme-co", "--reason", "unpaid").out
    assert "suspended: unpaid" in suspended
    freed = posthorn("--json", "organization", "unsuspend", "acme-co").json
    assert freed["suspended_at"] is None


def test_creating_the_first_organization_sets_the_installation_up(
    posthorn: Run, app: Posthorn
) -> None:
    def installed() -> list[Installation]:
        return asyncio.run(app[Repository].all(INSTALLATION, THE_INSTALLATION))

    assert installed() == []
    posthorn("organization", "create", "Acme")
    first = installed()
    assert len(first) == 1
    posthorn("organization", "create", "Other")
    assert installed() == first


@pytest.mark.parametrize("place", [0, 1, 2])
def test_json_may_stand_at_any_level(posthorn: Run, place: int) -> None:
    posthorn("organization", "create", "Acme")
    line = ["organization", "list"]
    line.insert(place, "--json")
    assert posthorn(*line).json[0]["name"] == "Acme"


def test_a_server_is_created_with_options_and_changed(demo: Run) -> None:
    made = demo(
        "server", "create", "Bulk", "--mode", "development", "--send-limit", "500",
        "--retry-schedule", "1m,5m*2,1h*3", "--privacy", "--json",
    ).json  # fmt: skip
    assert made["server"] == "demo/bulk"
    assert made["mode"] == "Development"
    assert made["send_limit"] == 500
    assert made["privacy_mode"] is True
    changed = demo(
        "server", "set", "demo/bulk", "--send-limit", "none", "--mode", "Live",
        "--retry-schedule", "none", "--unknown-outcome", "hold", "--json",
    ).json  # fmt: skip
    assert changed["send_limit"] is None
    assert changed["mode"] == "Live"
    assert changed["retry_schedule"] is None
    assert changed["unknown_outcome"] == "hold"
    assert changed["privacy_mode"] is True
    assert demo("server", "show", "demo/bulk", "--json").json == changed


def test_setting_nothing_is_wrong_usage(demo: Run) -> None:
    outcome = demo("server", "set")
    assert outcome.code == 2
    assert "Nothing to change" in outcome.err


def test_a_server_is_suspended_and_freed(demo: Run) -> None:
    assert "suspended: abuse" in demo("server", "suspend", "--reason", "abuse").out
    assert "Live" in demo("server", "unsuspend").out


def test_the_only_server_may_be_left_out_but_not_one_of_two(demo: Run) -> None:
    assert "demo/demo" in demo("server", "show").out
    demo("server", "create", "Second")
    outcome = demo("server", "show")
    assert outcome.code == 2
    assert "several servers" in outcome.err


def test_nothing_there_yet_is_said_in_one_sentence(posthorn: Run) -> None:
    outcome = posthorn("server", "show")
    assert outcome.code == 1
    assert outcome.err == ("posthorn: There is no server yet: create one with `server create`.\n")


def test_a_domain_shows_what_to_publish_and_is_verified(demo: Run, app: Posthorn) -> None:
    added = demo("domain", "add", "acme.example", "--json").json
    purposes = [record["purpose"] for record in added["records"]]
    assert purposes == list(Purpose)[:-1]
    text = demo("domain", "show", "acme.example").out
    assert all(record["value"] in text for record in added["records"])
    before = demo("domain", "verify", "acme.example", "--json").json
    assert before["verified_at"] is None
    assert {finding["status"] for finding in before["findings"]} == {"Missing"}
    assert demo("domain", "verify", "acme.example").code == 1
    owner = asyncio.run(app[Servers].get("demo", "demo"))
    domain = asyncio.run(app[Domains].find(owner, "acme.example"))
    publish(app[ScriptedResolver], app[Domains].records(domain))
    after = demo("domain", "verify", "acme.example", "--json").json
    assert after["verified_at"] is not None
    assert after["dkim_ok"] is True
    assert {finding["status"] for finding in after["findings"]} == {"OK"}
    assert demo("domain", "verify", "acme.example").code == 0
    (optional,) = (one for one in added["records"] if one["purpose"] == "return-path")
    del app[ScriptedResolver].zone[optional["name"]]
    without = demo("domain", "verify", "acme.example")
    assert "Missing" in without.out
    assert without.code == 0


def test_a_domain_is_removed(demo: Run) -> None:
    assert demo("domain", "remove", "demo.example").out == "Removed demo.example.\n"
    assert demo("domain", "list", "--json").json == []
    outcome = demo("domain", "show", "demo.example")
    assert outcome.code == 1
    assert outcome.err.count("\n") == 1


def test_an_organizations_domain_is_not_its_servers(demo: Run) -> None:
    demo("domain", "add", "shared.example", "--organization", "demo")
    names = [each["name"] for each in demo("domain", "list", "--json").json]
    assert names == ["demo.example"]
    listed = demo("domain", "list", "--organization", "demo", "--json").json
    assert [(each["name"], each["owner"]) for each in listed] == [
        ("shared.example", "organization")
    ]
    both = demo("domain", "list", "--organization", "demo", "--server", "demo/demo")
    assert both.code == 2


def test_a_key_is_printed_once_and_lets_in(demo: Run, app: Posthorn) -> None:
    made = demo("credential", "create", "web", "--kind", "api", "--json").json
    assert made["key"].startswith("ph_")
    assert made["key"].endswith(made["hint"])
    listed = demo("credential", "list", "--json")
    assert made["key"] not in listed.out
    assert listed.json[0]["id"] == made["id"]
    assert made["key"] not in demo("credential", "list").out
    assert demo("credential", "revoke", made["id"]).code == 0
    assert demo("credential", "list", "--json").json == []
    assert asyncio.run(app[Repository].all(CREDENTIALS, of_server(1))) == []


def test_a_key_for_people_is_printed_too(demo: Run) -> None:
    text = demo("credential", "create", "app", "--kind", "SMTP", "--cram", "--hold").out
    assert "Key, shown this once: ph_" in text
    assert "Holds mail     yes" in text


def test_a_known_key_is_kept_from_a_file_and_not_printed(demo: Run, tmp_path: Path) -> None:
    key = "aB3dE6gH9jK2mN5pQ8sT1vW4"
    file = tmp_path / "key"
    file.write_text(key + "\n")
    outcome = demo("credential", "create", "old", "--kind", "API", "--key-file", str(file))
    assert outcome.code == 0
    assert key not in outcome.out
    again = demo("credential", "create", "old", "--kind", "API", "--key-file", str(file))
    assert again.code == 1
    assert key not in again.err


def test_a_network_needs_no_key(demo: Run) -> None:
    made = demo(
        "credential", "create", "office", "--kind", "SMTP-IP", "--network", "192.0.2.9/24", "--json"
    ).json
    assert made["network"] == "192.0.2.0/24"
    assert "key" not in made
    wrong = demo("credential", "create", "office", "--kind", "SMTP-IP", "--network", "office")
    assert wrong.code == 1
    assert "valid IPv4 or IPv6 address" in wrong.err
