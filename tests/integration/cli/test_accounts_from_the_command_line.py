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


def test_how_long_recipients_are_suppressed_is_an_option_that_may_be_repeated(demo: Run) -> None:
    days = ("--suppression-days", "bounce=7", "--suppression-days", "manual=90")
    changed = demo("server", "set", "demo/demo", *days, "--json").json["suppression_days"]
    assert (changed["bounce"], changed["manual"], changed["hard_fails"]) == (7, 90, 30)
    shown = demo("server", "set", "demo/demo", "--suppression-days", "bounce=forever").out
    assert "bounce for good" in shown
    assert "manual 90 days" in shown
    wrong = demo("server", "set", "demo/demo", "--suppression-days", "bounce")
    assert (wrong.code, "like `bounce=30`" in wrong.err) == (2, True)
    cleared = demo("server", "set", "demo/demo", "--clear", "suppression-days", "--json").json
    assert cleared["suppression_days"]["bounce"] == 30


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


@pytest.mark.parametrize(
    ("group", "named"),
    [("organization", ("demo",)), ("server", ("demo/demo",)), ("credential", ())],
)
def test_send_limits_are_set_and_cleared(demo: Run, group: str, named: tuple[str, ...]) -> None:
    if group == "credential":
        made = demo("credential", "create", "x", "--kind", "API", "--send-limit", "7", "--json")
        assert made.json["send_limit"] == 7
        named = (made.json["id"],)
    options = ("--send-limit", "5", "--send-limit-day", "9", "--send-limit-action", "refuse")
    text = demo(group, "set", *named, *options, "--send-limit-month", "11").out
    assert "5 in 60 minutes, 9 in 24 hours, 11 in a month; above: refused" in text
    changed = demo(group, "set", *named, "--send-limit-month", "none", "--json").json
    assert (changed["send_limit_day"], changed["send_limit_month"]) == (9, None)
    clear = [
        word
        for one in ("send-limit", "send-limit-day", "send-limit-action")
        for word in ("--clear", one)
    ]
    cleared = demo(group, "set", *named, *clear, "--json").json
    assert (cleared["send_limit"], cleared["send_limit_day"]) == (None, None)
    assert cleared["send_limit_action"] == "hold"


@pytest.mark.parametrize(
    ("group", "named"),
    [("organization", ("demo",)), ("server", ("demo/demo",)), ("stream", ("broadcast",))],
)
def test_rates_are_set_and_cleared(demo: Run, group: str, named: tuple[str, ...]) -> None:
    options = ("--complaint-rate-limit", "0.3", "--bounce-rate-limit", "5")
    text = demo(group, "set", *named, *options, "--rate-limit-count", "500").out
    assert "0.3 % complaints, 5 % bounces, of 500 messages or more" in text
    changed = demo(group, "set", *named, "--bounce-rate-limit", "none", "--json").json
    assert (changed["complaint_rate_limit"], changed["bounce_rate_limit"]) == (0.3, None)
    clear = ("--clear", "complaint-rate-limit", "--clear", "rate-limit-count")
    cleared = demo(group, "set", *named, *clear, "--json").json
    assert (cleared["complaint_rate_limit"], cleared["rate_limit_count"]) == (None, None)
    for wrong in ("much", "5 %", ""):
        assert demo(group, "set", *named, "--bounce-rate-limit", wrong).code == 2
    for wrong in ("0", "101", "0.001", "-1", "nan"):
        assert demo(group, "set", *named, f"--bounce-rate-limit={wrong}").code != 0


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
    assert purposes == list(Purpose)[: list(Purpose).index(Purpose.TRACK)]
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


def test_an_organizations_domain_is_its_servers_to_use_and_not_to_change(demo: Run) -> None:
    demo("domain", "add", "shared.example", "--organization", "demo")
    owners = {each["name"]: each["owner"] for each in demo("domain", "list", "--json").json}
    assert owners == {"demo.example": "server", "shared.example": "organization"}
    refused = demo("domain", "remove", "shared.example")
    assert (refused.code, "domain of the organization" in refused.err) == (1, True)
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
    assert "/network is no network in CIDR notation" in wrong.err


def test_fields_are_changed_and_cleared(demo: Run) -> None:
    assert demo("organization", "set", "demo", "--name", "Other", "--json").json["name"] == "Other"
    demo("server", "set", "demo/demo", "--send-limit", "5", "--mode", "Development")
    line = ("server", "set", "demo/demo", "--clear", "send-limit", "--clear", "mode")
    cleared = demo(*line, "--json").json
    assert (cleared["send_limit"], cleared["mode"]) == (None, "Live")
    both = demo("server", "set", "--pool", "default", "--clear", "pool")
    assert (both.code, "not both" in both.err) == (2, True)
    made = demo("credential", "create", "x", "--kind", "API", "--network", "192.0.2.0/24", "--json")
    number = made.json["id"]
    assert made.json["networks"] == ["192.0.2.0/24"]
    changed = demo("credential", "set", number, "--hold", "--clear", "networks", "--json").json
    assert (changed["hold"], changed["networks"]) == (True, [])
    assert demo("credential", "show", number, "--json").json == changed
    assert demo("credential", "set", number).code == 2


def test_a_domain_is_changed_its_keys_rotated_and_what_is_there_shown(
    demo: Run, app: Posthorn
) -> None:
    changed = demo("domain", "set", "demo.example", "--incoming", "--use-for-any", "--json").json
    assert (changed["incoming"], changed["use_for_any"]) == (True, True)
    assert (
        demo("domain", "set", "demo.example", "--clear", "incoming", "--json").json["incoming"]
        is False
    )
    app[ScriptedResolver].zone["demo.example"] = {"TXT": ["v=spf1 include:\x1b[2Jx.example -all"]}
    checked = demo("domain", "check", "demo.example")
    assert checked.code == 1
    assert "publish instead: v=spf1 include:\\x1b[2Jx.example include:spf.ph.example -all" in (
        checked.out
    )
    assert "\x1b" not in checked.out
    rotated = demo("domain", "rotate", "demo.example", "--json").json
    assert {one["state"] for one in rotated["keys"]} == {"active", "next"}
    assert len(rotated["selectors"]) == 2
    assert demo("domain", "rotate", "demo.example").code == 1
    assert demo("domain", "verify", "demo.example", "--code", "1", "--send-to", "x").code == 2
    demo("domain", "add", "mail.example", "--verification-method", "email")
    assert demo("domain", "verify", "mail.example", "--send-to", "me@elsewhere.example").code == 1


def test_a_check_shows_what_to_publish_for_whatever_is_wrong(demo: Run, app: Posthorn) -> None:
    added = demo("domain", "add", "acme.example", "--json").json
    (ownership,) = (one["value"] for one in added["records"] if one["purpose"] == "ownership")
    policies = ["v=spf1 -all", "v=spf1 a -all"]
    app[ScriptedResolver].zone["acme.example"] = {"TXT": policies}
    text = demo("domain", "check", "acme.example").out
    _, found, to_do = text.partition("To publish, or to change:")
    assert found
    assert ownership in to_do
    assert all(f"found: {policy}" in to_do for policy in policies)
    assert "v=spf1 a mx include:spf.ph.example ~all" in to_do


def test_records_of_retired_keys_stand_under_a_heading_of_their_own(
    demo: Run, app: Posthorn
) -> None:
    old = demo("domain", "add", "acme.example", "--json").json["selectors"]
    owner = asyncio.run(app[Servers].get("demo", "demo"))

    def check() -> str:
        domain = asyncio.run(app[Domains].find(owner, "acme.example"))
        publish(app[ScriptedResolver], app[Domains].records(domain))
        return demo("domain", "check", "acme.example").out

    assert "May be removed" not in check()
    assert demo("domain", "rotate", "acme.example").code == 0
    for text in (check(), demo("domain", "show", "acme.example").out):
        above, _, below = text.partition("May be removed from acme.example")
        assert below
        assert not any(f"{selector}._domainkey" in above for selector in old)
        assert all(f"TXT {selector}._domainkey.acme.example" in below for selector in old)
        assert below.count("retired, OK") == len(old) == 2


def test_what_is_removed_must_be_meant(demo: Run) -> None:
    refused = demo("server", "remove", "demo/demo")
    assert (refused.code, refused.err) == (1, "posthorn: Deleting it needs --confirm demo.\n")
    assert demo("server", "remove", "demo/demo", "--confirm", "demo").code == 0
    assert demo("server", "list", "--json").json == []
    assert demo("organization", "remove", "demo", "--confirm", "demo").code == 0
    assert demo("organization", "list", "--json").json == []


def test_the_installation_says_what_it_is_and_that_it_is_well(posthorn: Run) -> None:
    shown = posthorn("installation", "show", "--json").json
    assert shown["return_path_domain"] == "rp.ph.example"
    assert "rp.ph.example" in posthorn("installation", "show").out
    assert posthorn("installation", "health").out == "All is well.\n"
    checks = posthorn("installation", "checks", "--json")
    assert (checks.code, checks.json) == (0, [])
    assert posthorn("installation", "checks").out.startswith("CHECK")
    load = posthorn("installation", "operations", "--json").json
    assert (load["jobs"], load["dead_letters"]) == ([], 0)
    assert "Failed too often: 0." in posthorn("installation", "operations").out
