"""Ways out from the command line: added, looked at, changed, suspended and removed, without a password in sight."""

from __future__ import annotations

import asyncio
import shlex
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.cli import sources as command
from chalicelib.domain.errors import InvalidRequest
from chalicelib.domain.tenancy.listings import Listing, with_listings
from chalicelib.domain.tenancy.owners import of_pool
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.sources import SOURCES, EgressKind, EgressSource
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.pools.sources import Sources
from chalicelib.services.tenancy.servers import Servers
from tests.docs.pages import ROOT, blocks
from tests.integration.cli.conftest import Run
from tests.queues import DeployedQueue

PASSWORD = "correct horse battery"
MANAGING = ROOT / "docs" / "managing.md"
SMARTHOST = ("--kind", "smarthost", "--host", "smtp.acme.test", "--username", "me")
PROXY = ("--kind", "socks5", "--host", "10.57.3.141", "--address", "10.57.3.142")


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(command.PASSWORD_VARIABLE, PASSWORD)


def stored(app: Posthorn, pool: str = "default") -> list[EgressSource]:
    return asyncio.run(app[Repository].all(SOURCES, of_pool(pool)))


def opened(app: Posthorn, source: EgressSource) -> bytes:
    assert source.sealed_password is not None
    return asyncio.run(app[KeyVault].open(source.sealed_password, source.context))


def test_a_smarthost_is_kept_with_its_password_sealed(posthorn: Run, app: Posthorn) -> None:
    outcome = posthorn("source", "add", "ses", *SMARTHOST)
    assert outcome.code == 0, outcome.err
    assert "by smtp.acme.test:587" in outcome.out
    (source,) = stored(app)
    assert (source.kind, source.port, source.tls) == (EgressKind.SMARTHOST, 587, "required")
    assert opened(app, source) == PASSWORD.encode()
    assert b"horse" not in (source.sealed_password or b"")
    for arguments in (("source", "show", "ses", "--json"), ("source", "list"), ("pool", "list")):
        assert "horse" not in posthorn(*arguments).out


def test_names_of_a_source_beyond_ascii_are_kept_as_dns_has_them(
    posthorn: Run, app: Posthorn
) -> None:
    smarthost = ("--kind", "smarthost", "--host", "smtp.straße.test", "--ehlo", "out.bücher.test")
    outcome = posthorn("source", "add", "ses", *smarthost)
    assert outcome.code == 0, outcome.err
    (source,) = stored(app)
    assert (source.host, source.ehlo) == ("smtp.xn--strae-oqa.test", "out.xn--bcher-kva.test")


def test_a_proxy_is_asked_for_the_address_to_send_from(posthorn: Run, app: Posthorn) -> None:
    added = posthorn("source", "add", "out2", *PROXY, "--ehlo", "out2.acme.test", "--json")
    assert added.json == {
        "name": "out2",
        "pool": "default",
        "kind": "socks5",
        "address": "10.57.3.142",
        "address6": None,
        "host": "10.57.3.141",
        "port": 1080,
        "username": "10.57.3.142",
        "has_password": True,
        "tls": "opportunistic",
        "ehlo": "out2.acme.test",
        "priority": 100,
        "suspended_until": None,
        "suspension_reason": None,
        "unused4": None,
        "unused6": None,
        "listings": [],
    }
    assert opened(app, stored(app)[0]) == PASSWORD.encode()


def test_a_person_at_the_terminal_is_asked_for_the_password(
    posthorn: Run, app: Posthorn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(command.PASSWORD_VARIABLE)
    outcome = posthorn("source", "add", "ses", *SMARTHOST)
    assert (outcome.code, outcome.out) == (1, "")
    assert command.PASSWORD_VARIABLE in outcome.err
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(command.click, "prompt", lambda *_, **options: f"typed {options}")
    assert posthorn("source", "add", "ses", *SMARTHOST).code == 0
    assert opened(app, stored(app)[0]) == b"typed {'hide_input': True, 'err': True}"


def test_a_suspension_has_an_end_or_waits_for_somebody(posthorn: Run, app: Posthorn) -> None:
    posthorn("source", "add", "own", "--kind", "direct", "--address", "192.0.2.1")
    outcome = posthorn("source", "suspend", "own", "--for", "2h")
    assert "suspended until" in outcome.out
    assert stored(app)[0].suspended_until == int(app[Clock].now()) + 7_200
    assert posthorn("source", "suspend", "own").out.rstrip().endswith("suspended")
    assert stored(app)[0].suspended_until > app[Clock].now() + 10**9
    assert posthorn("source", "resume", "own").out.rstrip().endswith("ready")
    assert stored(app)[0].suspended_until == 0


def test_a_family_that_is_not_used_is_told_with_its_reason(posthorn: Run, app: Posthorn) -> None:
    reason = "2001:db8::1 has no reverse name."
    source = EgressSource("own", address="192.0.2.1", address6="2001:db8::1", unused6=reason)
    bootstrap.run(app[Repository].add(SOURCES, source))
    assert "ready, not by IPv6" in posthorn("source", "list").out
    shown = posthorn("source", "show", "own").out
    assert f"not used: {reason}" in shown
    assert "IPv4" not in shown
    assert posthorn("source", "show", "own", "--json").json["unused6"] == reason
    changed = posthorn("source", "set", "own", "--address6", "2001:db8::2", "--json").json
    assert changed["unused6"] is None


def test_a_listing_is_told_in_the_words_of_the_list(posthorn: Run, app: Posthorn) -> None:
    found = [Listing("bl.test", "192.0.2.1", "Spam\x1b[2J", 1_800_000_000)]
    source = with_listings(EgressSource("own", address="192.0.2.1"), found)
    source = replace(source, suspended_for="Listed by bl.test")
    bootstrap.run(app[Repository].add(SOURCES, source))
    assert "suspended: Listed by bl.test" in posthorn("source", "list").out
    shown = posthorn("source", "show", "own").out
    assert "On bl.test" in shown
    assert "192.0.2.1 since 2027-01-15" in shown
    assert ": Spam" in shown
    assert "\x1b" not in shown
    assert "ready" in posthorn("source", "resume", "own").out
    assert stored(app)[0].suspended_for == ""


def test_a_change_leaves_the_rest_as_it_was(posthorn: Run, app: Posthorn) -> None:
    posthorn("source", "add", "ses", *SMARTHOST)
    before = stored(app)[0]
    assert posthorn("source", "set", "ses", "--priority", "7", "--ehlo", "out.acme.test").code == 0
    (after,) = stored(app)
    assert (after.priority, after.ehlo) == (7, "out.acme.test")
    assert (after.sealed_password, after.host) == (before.sealed_password, before.host)
    assert posthorn("source", "set", "ses", "--ehlo", "").code == 0
    assert stored(app)[0].ehlo == ""


def test_a_new_password_takes_the_place_of_the_old(
    posthorn: Run, app: Posthorn, monkeypatch: pytest.MonkeyPatch
) -> None:
    posthorn("source", "add", "ses", *SMARTHOST)
    monkeypatch.setenv(command.PASSWORD_VARIABLE, "another")
    assert posthorn("source", "set", "ses", "--password").code == 0
    assert opened(app, stored(app)[0]) == b"another"


def test_pools_show_who_uses_them_and_how_their_mail_leaves(demo: Run, app: Posthorn) -> None:
    app[DeployedQueue].deploy("bulk", "quiet")
    demo("source", "add", "one", "--kind", "direct", "--address", "192.0.2.1")
    demo("source", "add", "two", "--kind", "direct", "--address6", "2001:db8::1")
    demo("source", "add", "far", "--pool", "bulk", *PROXY)
    demo("server", "create", "App", "--pool", "quiet")
    pools = {each["name"]: each for each in demo("pool", "list", "--json").json}
    assert list(pools) == ["bulk", "default", "quiet"]
    assert pools["default"]["servers"] == ["demo/demo"]
    assert [each["name"] for each in pools["default"]["sources"]] == ["one", "two"]
    assert pools["bulk"]["sources"][0]["host"] == "10.57.3.141"
    lines = demo("pool", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["POOL", "bulk", "default", "two", "quiet"]
    assert lines[-1].endswith("(none: straight out)")
    assert all(pool["has_queue"] for pool in pools.values())
    only = demo("source", "list", "--pool", "bulk").out
    assert "from 10.57.3.142 by 10.57.3.141:1080" in only
    assert "one" not in only


def test_a_pool_that_is_not_deployed_says_so(demo: Run, app: Posthorn) -> None:
    server = asyncio.run(app[Servers].get("demo", "demo"))
    asyncio.run(app[Repository].replace(SERVERS, replace(server, pool="gone")))
    asyncio.run(app[Repository].add(SOURCES, EgressSource("own", "gone")))
    pools = {each["name"]: each for each in demo("pool", "list", "--json").json}
    assert {name: each["has_queue"] for name, each in pools.items()} == {
        "default": True,
        "gone": False,
    }
    assert "own" not in pools["default"]["sources"]
    lines = demo("pool", "list").out.splitlines()
    assert lines[2].split(None, 2) == ["gone", "1", "(not deployed: takes no mail)"]
    assert lines[3].split()[:2] == ["own", "direct"]


def test_a_server_and_a_source_need_a_pool_that_is_deployed(demo: Run, app: Posthorn) -> None:
    of_server = "posthorn: There is no pool typo; the pools are: default.\n"
    of_source = "posthorn: There is no pool typo; the pools are: default.\n"
    for sentence, *arguments in (
        (of_server, "server", "create", "App", "--pool", "typo"),
        (of_server, "server", "set", "demo/demo", "--pool", "typo"),
        (of_source, "source", "add", "own", "--kind", "direct", "--pool", "typo"),
    ):
        outcome = demo(*arguments)
        assert (outcome.code, outcome.out, outcome.err) == (1, "", sentence)
    assert demo("server", "list", "--json").json[0]["pool"] == "default"
    assert stored(app, "typo") == []


def test_a_password_needs_a_user_name_before_anybody_is_asked_for_it(
    posthorn: Run, app: Posthorn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        posthorn("source", "add", "ses", "--kind", "smarthost", "--host", "smtp.acme.test").code
        == 0
    )
    monkeypatch.delenv(command.PASSWORD_VARIABLE)
    outcome = posthorn("source", "set", "ses", "--password")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        "posthorn: A password goes with a user name, which this source does not have.\n"
    )
    with pytest.raises(InvalidRequest, match="goes with a user name"):
        asyncio.run(app[Sources].change(stored(app)[0], PASSWORD))


def test_a_password_that_would_go_in_the_clear_is_warned_of(posthorn: Run) -> None:
    warning = "posthorn: User name and password go to smtp.acme.test in the clear"
    added = posthorn("source", "add", "ses", *SMARTHOST, "--tls", "none", "--json")
    assert (added.code, added.json["tls"]) == (0, "none")
    assert added.err.startswith(warning)
    assert added.err.count("\n") == 1
    assert posthorn("source", "set", "ses", "--tls", "required").err == ""
    assert posthorn("source", "set", "ses", "--tls", "none").err.startswith(warning)
    without = ("--kind", "smarthost", "--host", "smtp.acme.test", "--tls", "none")
    assert posthorn("source", "add", "inside", *without).err == ""


def test_a_source_goes_and_its_pool_stays_known(posthorn: Run, app: Posthorn) -> None:
    app[DeployedQueue].deploy("bulk")
    posthorn("source", "add", "one", "--pool", "bulk", "--kind", "direct")
    assert posthorn("source", "remove", "one", "--json").json == {"removed": "one"}
    assert stored(app, "bulk") == []
    assert "bulk" in posthorn("pool", "list").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "Own!", "--kind", "direct"), "A source's name has"),
        (("add", "own", "--kind", "direct", "--pool", "B ulk"), "A pool's name has"),
        (("add", "own", "--kind", "direct", "--host", "h.test"), "A direct source has no host"),
        (("add", "own", "--kind", "direct", "--address", "here"), "not an IPv4 address"),
        (("add", "own", "--kind", "direct", "--address", "::1"), "not an IPv4 address"),
        (("add", "own", "--kind", "direct", "--address6", "192.0.2.1"), "not an IPv6 address"),
        (("add", "own", "--kind", "direct", "--ehlo", "not a name"), "The EHLO name is"),
        (
            ("add", "own", "--kind", "direct", "--priority", "5000"),
            "/priority Input should be less than",
        ),
        (("add", "far", "--kind", "socks5"), "needs a host"),
        (("add", "far", "--kind", "smarthost", "--host", "no way"), "The host is an address"),
        (("add", "far", "--kind", "smarthost", "--host", "SMTP.acme.com"), "in lower case"),
        (("add", "far", "--kind", "smarthost", "--host", "p", "--port", "0"), "The port is 1 to"),
        (("add", "far", *PROXY, "--port", "70000"), "The port is 1 to 65535"),
        (("add", "far", *PROXY, "--tls", "implicit"), "Implicit TLS is for smarthosts"),
        (("add", "taken", "--kind", "direct"), "already exists"),
        (("add", "taken", "--kind", "direct", "--pool", "bulk"), "already exists"),
        (("show", "nobody"), "There is no such egress source"),
        (("remove", "nobody"), "There is no such egress source"),
        (("suspend", "taken", "--pool", "bulk"), "There is no such egress source"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    posthorn: Run, app: Posthorn, arguments: tuple[str, ...], words: str
) -> None:
    app[DeployedQueue].deploy("bulk")
    assert posthorn("source", "add", "taken", "--kind", "direct").code == 0
    outcome = posthorn("source", *arguments)
    assert (outcome.code, outcome.out) == (1, "")
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("source", "add", "own"),
        ("source", "add", "own", "--kind", "pigeon"),
        ("source", "suspend", "own", "--for", "ages"),
        ("source", "suspend", "own", "--for", "1h,2h"),
        ("source", "set", "own"),
        ("source", "add", "own", "--kind", "direct", "--password", "secret"),
    ],
)
def test_wrong_usage(posthorn: Run, arguments: tuple[str, ...]) -> None:
    assert posthorn(*arguments).code == 2


def test_a_pool_is_given_and_made_the_default(demo: Run, app: Posthorn) -> None:
    app[DeployedQueue].deploy("bulk")
    given = demo("pool", "set", "bulk", "--organizations", "demo", "--json").json
    assert given["organizations"] == ["demo"]
    assert demo("organization", "set", "demo", "--pools", "bulk", "--pools", "default").code == 0
    cleared = demo("pool", "set", "bulk", "--clear", "organizations", "--json").json
    assert cleared["organizations"] is None
    assert demo("pool", "set", "bulk", "--default", "--json").json["default"] is True
    demo("pool", "set", "bulk", "--organizations", "demo")
    titles, bulk, other = demo("pool", "list").out.splitlines()
    assert titles.split()[-3:] == ["DEFAULT", "ALONE", "FOR"]
    assert bulk.split()[-2:] == ["yes", "demo"]
    assert "yes" not in other
    assert "Default        yes" in demo("pool", "set", "bulk", "--default").out
    assert demo("pool", "set", "bulk").code == 2


def test_the_pools_of_managing_by_command_work_as_written(posthorn: Run, app: Posthorn) -> None:
    app[DeployedQueue].deploy("bulk")
    posthorn("organization", "create", "Acme")
    posthorn("server", "create", "Shop")
    (written,) = (one for one in blocks(MANAGING, "sh") if "source add" in one)
    for line in written.splitlines():
        outcome = posthorn(*shlex.split(line, comments=True)[1:])
        assert outcome.code == 0, (line, outcome.err)
    pools = {one["name"]: one for one in posthorn("pool", "list", "--json").json}
    assert pools["bulk"]["organizations"] == ["acme"]
    assert pools["bulk"]["servers"] == ["acme/shop"]


def test_rules_are_added_changed_and_removed(demo: Run, app: Posthorn) -> None:
    app[DeployedQueue].deploy("bulk")
    demo("organization", "set", "demo", "--pools", "default", "--pools", "bulk")
    line = ("rule", "add", "--pool", "bulk", "--json")
    rule = demo(*line, "--from", "news.test", "--to", "a@b.test").json
    assert (rule["from"], rule["to"], rule["pool"]) == (["news.test"], ["a@b.test"], "bulk")
    assert demo("rule", "set", rule["id"], "--clear", "from", "--json").json["from"] == []
    own = demo(*line, "--from", "x.test", "--organization", "demo").json
    scopes = [one["scope"] for one in demo("rule", "list", "--json").json]
    assert scopes == ["server", "organization"]
    assert "x.test" in demo("rule", "list", "--organization", "demo").out
    assert demo("rule", "remove", rule["id"]).out == f"Removed {rule['id']}.\n"
    assert demo("rule", "list", "--json").json == [own]
    assert demo("rule", "add", "--pool", "bulk").code == 1
