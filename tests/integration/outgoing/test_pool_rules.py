"""Pool rules send a message out by another pool than its server's: the newest that matches, for all of its attempts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.pool_rules import PoolChoice
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.repository import Repository
from chalicelib.services.pools.rules import PoolRules, RuleOwner
from tests.worlds import CONTENT, Scene, make_scene

POOLS = ("bulk", "quiet", "far")


async def a_scene() -> Scene:
    scene = await make_scene()
    for pool in POOLS:
        await scene.posthorn[Repository].add(SOURCES, EgressSource(f"out-{pool}", pool))
    return scene


def owners(scene: Scene) -> tuple[RuleOwner, RuleOwner]:
    """The server and its organization."""
    organization = scene.organization.id
    return RuleOwner(organization, scene.server.id), RuleOwner(organization)


async def pools_of(scene: Scene, *recipients: str, content: bytes = CONTENT) -> list[str]:
    accepted = await scene.accept(*recipients, content=content)
    return [one.origin.pool for one in accepted]


@pytest.mark.parametrize(
    ("senders", "recipients", "matches"),
    [
        (["app@acme.test"], [], True),
        (["acme.test"], [], True),
        (["other.test", "APP@Acme.Test"], [], True),
        (["app+tag@acme.test"], [], True),
        (["other@acme.test"], [], False),
        (["example.com"], [], False),
        ([], ["example.com"], True),
        ([], ["john@example.com"], True),
        ([], ["John+news@EXAMPLE.com"], True),
        ([], ["acme.test"], False),
        ([], ["mail.example.com"], False),
        (["nobody.test"], ["example.com"], True),
        (["acme.test"], ["nobody.test"], True),
    ],
)
async def test_a_line_is_an_authors_or_the_recipients_address_or_domain(
    senders: list[str], recipients: list[str], matches: bool
) -> None:
    scene = await a_scene()
    own, _ = owners(scene)
    await scene.posthorn[PoolRules].create(own, "bulk", senders, recipients)
    assert await pools_of(scene, "john+42@example.com") == ["bulk" if matches else "default"]


async def test_the_servers_rules_come_before_the_organizations_each_newest_first() -> None:
    scene = await a_scene()
    rules, (own, shared) = scene.posthorn[PoolRules], owners(scene)
    made = [
        await rules.create(owner, pool, [], ["example.com"])
        for owner, pool in ((own, "bulk"), (own, "quiet"), (shared, "far"))
    ]
    assert [one.id for one in await rules.that_act_on(own)] == [made[n].id for n in (1, 0, 2)]
    expected = ["quiet", "bulk", "far", "default"]
    for pool, owner, gone in zip(expected, (own, own, shared, None), (1, 0, 2, 2), strict=True):
        assert await pools_of(scene) == [pool]
        if owner is not None:
            await rules.remove(owner, made[gone].id)


async def test_each_recipient_has_a_pool_of_its_own_and_keeps_it() -> None:
    scene = await a_scene()
    rules, (own, _) = scene.posthorn[PoolRules], owners(scene)
    rule = await rules.create(own, "bulk", [], ["example.net"])
    scene.egress.always("@example.net", Reply(451, "4.3.0", "not now"))
    first, second = await scene.accept("a@example.com", "b@example.net")
    assert (first.origin.pool, second.origin.pool) == ("default", "bulk")
    assert await _worked(scene, "bulk") == 1
    await rules.remove(own, rule.id)
    again = await scene.record(second)
    assert again.message.origin.pool == "bulk"
    scene.clock.advance(again.wake_at - scene.clock.now() + 1)
    assert await _worked(scene, "default") == 1
    assert await _worked(scene, "bulk") == 1


async def _worked(scene: Scene, pool: str) -> int:
    return await replace(scene, server=replace(scene.server, pool=pool)).deliver_ready()


async def test_every_author_counts() -> None:
    scene = await a_scene()
    own, _ = owners(scene)
    await scene.posthorn[PoolRules].create(own, "bulk", ["second@acme.test"], [])
    two = CONTENT.replace(b"App <app@acme.test>", b"app@acme.test, second@acme.test")
    assert await pools_of(scene, content=two) == ["bulk"]


async def test_rules_are_read_once_in_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene()
    await pools_of(scene)
    read = 0
    real = scene.posthorn[Repository].all

    async def counted(entity: object, *owner: object, **how: object) -> object:
        nonlocal read
        read += getattr(entity, "word", "") == "pool rule"
        return await real(entity, *owner, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(scene.posthorn[Repository], "all", counted)
    for _ in range(5):
        scene.clock.advance(5)
        await pools_of(scene)
    assert read == 0
    scene.clock.advance(10)
    await pools_of(scene)
    assert read == 2
    own, _ = owners(scene)
    await scene.posthorn[PoolRules].create(own, "bulk", [], ["example.com"])
    assert await pools_of(scene) == ["bulk"]  # the process sees its own changes at once


def test_without_rules_nothing_is_looked_at() -> None:
    def explode() -> object:
        raise AssertionError("looked")
        yield

    assert PoolChoice().pool_for(explode(), "a@b.test") is None  # type: ignore[arg-type]
