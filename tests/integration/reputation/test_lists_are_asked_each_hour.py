"""Each hour lists are asked for our own addresses and names: what is found stands with sources and checks, suspends a
source where that is set, is told once, and ends when the list says so. On both engines.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.config import Settings
from chalicelib.domain.tenancy.check_findings import CheckFinding, CheckStatus
from chalicelib.domain.tenancy.listings import Listing, listings_of
from chalicelib.domain.tenancy.owners import of_pool
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.repository import Repository
from chalicelib.services.checks import CheckInstallation
from chalicelib.services.events.metrics import Metrics
from chalicelib.services.gather import gather
from chalicelib.services.pools.sources import Sources
from chalicelib.services.reputation.look_at_lists import SUBJECT, LookAtLists
from chalicelib.services.tenancy.audit_log import AuditLog, EntryFilter
from tests.aws_backend import aws_backend, aws_settings
from tests.stores import all_messages
from tests.worlds import Scene, beside, make_scene

__all__ = ["aws_backend", "aws_settings"]

ASKED = {
    "own_dnsbls": "bl.test,rhs:names.test",
    "suspend_listed": "1",
    "smtp_hostname": "mail.acme.test",
    "system_server": "acme/app",
    "system_from": "posthorn@acme.test",
    "postmaster": "ada@example.com",
}
SETTINGS = Settings(**ASKED)  # type: ignore[arg-type]  # all of these are texts
ONE = EgressSource("one", address="192.0.2.1")
TWO = EgressSource("two", address="192.0.2.2", address6="2001:db8::2")
WORDS = "Spam was seen, https://bl.test/?192.0.2.1"


@pytest.fixture(params=["memory", pytest.param("aws", marks=pytest.mark.aws)])
async def scene(request: pytest.FixtureRequest) -> Scene:
    """An installation with two sources, and lists that work and list nothing of it."""
    if request.param == "aws":
        return await prepared(
            await make_scene(on_aws=replace(request.getfixturevalue("aws_settings"), **ASKED))
        )
    return await prepared(await make_scene(SETTINGS))


async def prepared(made: Scene) -> Scene:
    repository, zone = made.posthorn[Repository], resolver(made).zone
    for known in await repository.all(SOURCES, of_pool("default")):
        await repository.remove(SOURCES, known)
    for one in (ONE, TWO):
        await repository.add(SOURCES, one)
    zone["2.0.0.127.bl.test"] = zone["test.names.test"] = {"A": ["127.0.0.2"]}
    return made


def resolver(scene: Scene) -> ScriptedResolver:
    return scene.posthorn[ScriptedResolver]


def list_it(scene: Scene, name: str = "1.2.0.192.bl.test", words: str = WORDS) -> None:
    resolver(scene).zone[name] = {"A": ["127.0.0.4"], "TXT": [words]}


async def look(scene: Scene) -> dict[str, EgressSource]:
    """The sources after an hour."""
    scene.clock.advance(3_600)
    await scene.posthorn[LookAtLists].run()
    return {one.name: one for one in await scene.posthorn[Sources].of("default")}


async def found(scene: Scene) -> dict[str, CheckFinding]:
    every = await scene.posthorn[CheckInstallation].findings()
    return {one.name.removeprefix("list:"): one for one in every if one.name.startswith("list:")}


async def test_a_listing_stands_with_its_words_and_suspends_and_ends(scene: Scene) -> None:
    assert await look(scene) == {"one": ONE, "two": TWO}
    assert {one.status for one in (await found(scene)).values()} == {CheckStatus.OK}
    list_it(scene)
    sources = await look(scene)
    since = int(scene.clock.now())
    assert listings_of(sources["one"]) == (Listing("bl.test", "192.0.2.1", WORDS, since),)
    assert sources["one"].suspended_for == "Listed by bl.test"
    finding = (await found(scene))["bl.test"]
    assert finding.status is CheckStatus.FAILING
    assert finding.detail.startswith(
        f"192.0.2.1 (source one of default, suspended) is listed: “{WORDS}”."
    )
    assert (await look(scene))["one"] == sources["one"]
    assert (await found(scene))["bl.test"] == finding
    del resolver(scene).zone["1.2.0.192.bl.test"]
    assert await look(scene) == {"one": ONE, "two": TWO}
    ended = (await found(scene))["bl.test"]
    assert (ended.status, ended.detail, ended.since) == (CheckStatus.OK, "", scene.clock.now())


async def test_addresses_of_ipv6_are_asked_for_by_nibbles(scene: Scene) -> None:
    list_it(scene, f"2.0.0.0.{'0.' * 20}8.b.d.0.1.0.0.2.bl.test", "")
    assert [one.address for one in listings_of((await look(scene))["two"])] == ["2001:db8::2"]
    assert (await found(scene))["bl.test"].detail.startswith(
        "2001:db8::2 (source two of default, in use) is listed. "
    )


async def test_names_of_ours_are_asked_for_and_suspend_nothing(scene: Scene) -> None:
    list_it(scene, "acme.test.names.test", "Bad name")
    assert await look(scene) == {"one": ONE, "two": TWO}
    assert (await found(scene))["names.test"].detail.startswith("acme.test is listed: “Bad name”.")
    told = await scene.posthorn[Metrics].text()
    assert 'posthorn_check_status{check="list:names.test"} 2\n' in told
    assert {name for kind, name in resolver(scene).asked if kind == "A"} >= {
        "mail.acme.test.names.test",
        "invalid.names.test",
        "1.0.0.127.bl.test",
    }


async def test_a_list_that_does_not_answer_changes_nothing(scene: Scene) -> None:
    list_it(scene)
    list_it(scene, "acme.test.names.test")
    before, findings = await look(scene), await found(scene)
    for name in ("1.2.0.192.bl.test", "acme.test.names.test"):
        resolver(scene).fail(name)
    assert await look(scene) == before
    assert await found(scene) == findings
    for name in ("2.0.0.127.bl.test", "1.0.0.127.bl.test", "test.names.test"):
        resolver(scene).fail(name)
    assert await look(scene) == before
    now = await found(scene)
    assert now["names.test"] == findings["names.test"]
    assert now["bl.test"].detail.endswith("It does not answer. What it said before holds.")
    assert now["bl.test"].status is CheckStatus.FAILING


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ({"*": {"A": ["127.0.0.2"]}}, "It lists what no list has"),
        ({"2.0.0.127.bl.test": {}}, "It lacks what each list has"),
        ({"*": {"A": ["203.0.113.9"]}, "2.0.0.127.bl.test": {}}, "It lacks what each list has"),
        (
            {"*": {"A": ["127.255.255.254"]}, "2.0.0.127.bl.test": {"A": ["127.255.255.254"]}},
            "It refuses to answer",
        ),
    ],
)
async def test_a_list_that_is_not_to_be_believed_is_told_of(
    scene: Scene, zone: dict[str, dict[str, list[str]]], told: str
) -> None:
    resolver(scene).zone.update(zone)
    assert await look(scene) == {"one": ONE, "two": TWO}
    finding = (await found(scene))["bl.test"]
    assert finding.status is CheckStatus.WARNING
    assert finding.detail.startswith(told)


async def test_a_broken_list_suspends_no_longer(scene: Scene) -> None:
    list_it(scene)
    assert (await look(scene))["one"].suspended_for
    resolver(scene).zone["1.0.0.127.bl.test"] = {"A": ["127.0.0.2"]}
    assert (await look(scene))["one"] == ONE


async def test_a_person_who_resumes_wins_for_this_listing(scene: Scene) -> None:
    list_it(scene)
    one = (await look(scene))["one"]
    assert (await scene.posthorn[Sources].resume(one)).suspended_for == ""
    kept = (await look(scene))["one"]
    assert (kept.suspended_for, listings_of(kept)[0].resumed) == ("", True)
    assert (await found(scene))["bl.test"].status is CheckStatus.FAILING


async def test_the_last_source_of_a_pool_stays_in_use(scene: Scene) -> None:
    list_it(scene)
    await scene.posthorn[Sources].suspend(TWO)
    assert (await look(scene))["one"].suspended_for == ""
    assert "192.0.2.1 (source one of default, in use)" in (await found(scene))["bl.test"].detail


async def test_a_source_with_another_address_is_listed_no_longer(scene: Scene) -> None:
    list_it(scene)
    one = (await look(scene))["one"]
    moved = await scene.posthorn[Sources].update(one, {"address": "192.0.2.9"})
    assert (moved.listed, moved.suspended_for) == ("", "")


async def test_metrics_tell_each_source_and_list(scene: Scene) -> None:
    list_it(scene)
    await look(scene)
    lines = (await scene.posthorn[Metrics].text()).splitlines()
    assert [one for one in lines if one.startswith("posthorn_source_listed")] == [
        'posthorn_source_listed{pool="default",source="one",list="bl.test"} 1',
        'posthorn_source_listed{pool="default",source="two",list="bl.test"} 0',
    ]
    assert 'posthorn_check_status{check="list:bl.test"} 2' in lines


async def test_a_suspension_is_entered_as_the_systems_and_the_words_are_not(scene: Scene) -> None:
    list_it(scene, words="Write to abuse@bl.test")
    await look(scene)
    wanted = EntryFilter(action="source.update", object="one")
    (entry,) = (await scene.posthorn[AuditLog].page(None, wanted, 10)).values
    assert (entry.actor_kind, entry.object_name) == ("system", "one")
    assert entry.after == '{"suspension_reason":"Listed by bl.test"}'


async def test_operators_are_told_once_of_what_is_new() -> None:
    scene = await prepared(await make_scene(SETTINGS))
    list_it(scene)
    list_it(scene, "acme.test.names.test", "Bad name")
    for _ in range(3):
        await look(scene)
    (notice,) = all_messages(scene.posthorn)
    assert (notice.rcpt_to, notice.subject) == ("ada@example.com", SUBJECT)
    del resolver(scene).zone["1.2.0.192.bl.test"]
    await look(scene)
    assert len(all_messages(scene.posthorn)) == 2
    list_it(scene)
    await scene.posthorn[LookAtLists].run()  # within the hour
    assert len(all_messages(scene.posthorn)) == 2


async def test_lists_that_are_asked_no_longer_leave_nothing() -> None:
    scene = await prepared(await make_scene(SETTINGS))
    list_it(scene)
    await look(scene)
    assert set(await found(scene)) == {"bl.test", "names.test"}
    without = replace(SETTINGS, own_dnsbls="", suspend_listed="")
    await beside(scene.posthorn, {}, without)[LookAtLists].run()
    assert await found(scene) == {}
    assert await scene.posthorn[Sources].of("default") == [ONE, TWO]


async def test_without_a_source_the_addresses_of_the_host_are_asked_for() -> None:
    scene = await prepared(await make_scene(SETTINGS))
    for one in (ONE, TWO):
        await scene.posthorn[Repository].remove(SOURCES, one)
    resolver(scene).zone["mail.acme.test"] = {"A": ["192.0.2.1"]}
    list_it(scene)
    assert await look(scene) == {}
    assert (await found(scene))["bl.test"].detail.startswith(f"192.0.2.1 is listed: “{WORDS}”.")
    assert len(all_messages(scene.posthorn)) == 1


async def test_two_that_look_at_once_find_the_same() -> None:
    scene = await prepared(await make_scene(SETTINGS))
    list_it(scene)
    looks = [scene.posthorn[LookAtLists], beside(scene.posthorn, {})[LookAtLists]]
    await gather(one.run() for one in looks)
    assert listings_of((await scene.posthorn[Sources].of("default"))[0])[0].text == WORDS
    assert len(all_messages(scene.posthorn)) == 1
