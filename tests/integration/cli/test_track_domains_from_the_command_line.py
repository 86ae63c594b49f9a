"""`posthorn trackdomain`, and opens and clicks in `posthorn message show`."""

from __future__ import annotations

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.installation import Installation
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from chalicelib.services.tracking.domains import TrackDomains
from tests.fakes import a_message
from tests.integration.cli.conftest import Run
from tests.tracking_scene import TrackedMail, mac_key_of

TARGET = "track.posthorn.example.com"


@pytest.fixture
def added(demo: Run) -> Run:
    assert demo("trackdomain", "add", "demo.example").code == 0
    return demo


def test_adding_one_says_what_to_publish(demo: Run) -> None:
    done = demo("trackdomain", "add", "Demo.Example", "--name", "Go")
    assert done.code == 0
    assert "CNAME go.demo.example" in done.out
    assert TARGET in done.out
    assert "not checked" in done.out
    (listed,) = demo("trackdomain", "list", "--json").json
    assert (listed["name"], listed["domain"], listed["host"]) == (
        "go.demo.example",
        "demo.example",
        "go.demo.example",
    )
    assert listed["ssl_enabled"] is listed["track_clicks"] is listed["track_loads"] is True
    assert (listed["dns_status"], listed["excluded_click_domains"]) == (None, [])
    assert "go.demo.example" in demo("trackdomain", "list").out


def test_names_beyond_ascii_are_kept_as_they_are_published(demo: Run) -> None:
    assert demo("domain", "add", "straße.example", "--json").json["name"] == "xn--strae-oqa.example"
    assert demo("domain", "trust", "STRAßE.example").code == 0
    done = demo("trackdomain", "add", "Straße。example", "--name", "klick-grün", "--json")
    assert done.json["host"] == "xn--klick-grn-x9a.xn--strae-oqa.example"
    shown = demo("trackdomain", "show", "klick-grün.straße.example", "--json")
    assert shown.json["domain"] == "xn--strae-oqa.example"
    assert demo("domain", "show", "strasse.example").code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("other.example",), "no verified domain"),
        (("demo.example", "--name", "a.b"), "letters, digits and -"),
        (("demo.example", "--name", "-"), "letters, digits and -"),
        (("demo.example", "--name", "x" * 64), "/label String should have at most 63"),
        (("demo.example", "--exclude", "https://acme.test/"), "excluded host"),
        (("demo.example", "--exclude", "a.*.test"), "excluded host"),
    ],
)
def test_what_cannot_be_added(demo: Run, arguments: tuple[str, ...], said: str) -> None:
    done = demo("trackdomain", "add", *arguments)
    assert done.code == 1
    assert said in done.err
    assert demo("trackdomain", "list", "--json").json == []


def test_a_domain_has_one(added: Run) -> None:
    done = added("trackdomain", "add", "demo.example", "--name", "second")
    assert (done.code, done.err) == (1, "posthorn: This track domain already exists.\n")


def test_checking_it_remembers_what_was_found(added: Run, app: Posthorn) -> None:
    def check() -> tuple[str, str]:
        done = added("trackdomain", "check", "track.demo.example", "--json")
        shape = done.json
        assert shape["dns_checked_at"] is not None
        assert done.code == (0 if shape["dns_status"] == "OK" else 1)
        return shape["dns_status"], shape["dns_error"]

    assert check() == ("Missing", "There is no record at track.demo.example")
    app[ScriptedResolver].zone["track.demo.example"] = {"CNAME": ["elsewhere.example"]}
    assert check() == (
        "Invalid",
        "There is a CNAME record at track.demo.example but it points to elsewhere.example which is"
        f" incorrect. It should point to {TARGET}.",
    )
    app[ScriptedResolver].zone["track.demo.example"] = {"CNAME": [TARGET]}
    assert check() == ("OK", "")
    assert "OK, 2" in added("trackdomain", "show", "demo.example").out


def test_a_name_server_that_is_away_changes_nothing(
    added: Run, app: Posthorn, monkeypatch: pytest.MonkeyPatch
) -> None:
    app[ScriptedResolver].zone["track.demo.example"] = {"CNAME": [TARGET]}
    added("trackdomain", "check", "demo.example")

    async def away(_: str) -> None:
        raise TemporaryFailure("The name servers of track.demo.example do not answer")

    monkeypatch.setattr(app[ScriptedResolver], "cname", away)
    done = added("trackdomain", "check", "demo.example", "--json")
    shape = done.json
    assert done.code == 1
    assert shape["dns_status"] == shape["finding"]["status"] == "Unknown"
    assert "do not answer" in added("trackdomain", "check", "demo.example").out


def test_switching_and_excluding(added: Run) -> None:
    def update(*arguments: str) -> dict[str, object]:
        done = added("trackdomain", "update", "demo.example", *arguments, "--json")
        assert done.code == 0, done.err
        shape: dict[str, object] = done.json
        return shape

    changed = update("--no-ssl", "--no-opens", "--exclude", "acme.test", "--exclude", "b.test:8080")
    assert (changed["ssl_enabled"], changed["track_loads"]) == (False, False)
    assert changed["track_clicks"] is True
    assert changed["excluded_click_domains"] == ["acme.test", "b.test:8080"]
    assert update("--opens")["excluded_click_domains"] == ["acme.test", "b.test:8080"]
    assert update("--exclude-none")["excluded_click_domains"] == []
    foreign = update("--exclude", "*.Acme.test.", "--exclude", "straße.example")
    assert foreign["excluded_click_domains"] == ["*.acme.test", "xn--strae-oqa.example"]
    assert added("trackdomain", "update", "demo.example").code == 2
    both = ("--exclude", "a.test", "--exclude-none")
    assert added("trackdomain", "update", "demo.example", *both).code == 2


def test_removing_one(added: Run) -> None:
    assert (
        added("trackdomain", "remove", "track.demo.example").out == "Removed track.demo.example.\n"
    )
    done = added("trackdomain", "show", "track.demo.example")
    assert done.code == 1
    assert "no such track domain" in done.err


def test_an_installation_that_answers_at_one_address() -> None:
    from chalicelib.bootstrap import in_memory
    from chalicelib.config import Settings

    app = in_memory(Settings(track_address="127.0.0.1:8000"))

    async def make() -> tuple[str, bool]:
        organization = await app[Organizations].create("Demo")
        server = await app[Servers].create(organization, "Demo")
        await app[Domains].trust(await app[Domains].add(server, "demo.example"))
        track = await app[TrackDomains].add(server, "track", "demo.example")
        return track.name, track.ssl_enabled

    assert bootstrap.run(make()) == ("127.0.0.1:8000", False)


def test_a_timeline_shows_opens_and_clicks(added: Run, app: Posthorn) -> None:
    async def be_read() -> None:
        await app[Installation].ensure()
        server = await app[Servers].get("demo", "demo")
        await app[MessageStore].create([a_message(server.id, 7)])
        await app[Engagement].keep_links(server.id, MessageId(7), ["https://acme.test/"], 2**31)
        mail = TrackedMail(app, server, MessageId(7), await mac_key_of(app))
        await mail.visit(mail.image, headers={"user-agent": "Mozilla/5.0 \x1b[31mred"})
        await mail.visit(mail.link(1), "HEAD", source="2001:db8::1")

    bootstrap.run(be_read())
    text = added("message", "show", "7").out
    assert "Opened         from 203.0.113.9\n" in text
    assert "client  Mozilla/5.0  [31mred" in text
    assert "Clicked        from 2001:db8::1 (automatic)\n" in text
    assert "link  https://acme.test/" in text
    shape = added("message", "show", "7", "--json").json
    assert shape["opened_at"] == shape["opens"][0]["at"]
    assert shape["clicks"][0]["url"] == "https://acme.test/"
    assert shape["clicks"][0]["automatic"] is True
