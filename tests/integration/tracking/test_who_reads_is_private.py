"""A server in privacy mode is told that its mail is read, and not by whom."""

from __future__ import annotations

import pytest

from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.ports.engagement import Engagement
from chalicelib.services.tenancy.servers import ServerOptions
from tests.tracking_scene import LINKS, TrackedMail, make_tracked_mail
from tests.worlds import Scene, make_scene


async def private_mail() -> tuple[Scene, TrackedMail]:
    return await make_tracked_mail(await make_scene(server=ServerOptions(privacy_mode=True)))


async def test_neither_address_nor_client_is_kept() -> None:
    scene, mail = await private_mail()
    assert (await mail.visit(mail.image)).status == 200
    assert (await mail.visit(mail.link(1))).status == 307
    opened, clicked = await scene.posthorn[Engagement].hits(scene.server.id, mail.message)
    at = scene.clock.now()
    assert opened == EngagementEvent(EngagementKind.OPEN, at, "", "")
    assert clicked == EngagementEvent(EngagementKind.CLICK, at, "", "", LINKS[0])


@pytest.mark.parametrize("agent", ["curl/8.5.0", ""])
async def test_what_a_machine_says_is_judged_before_it_is_forgotten(agent: str) -> None:
    scene, mail = await private_mail()
    await mail.visit(mail.image, headers={"user-agent": agent})
    (opened,) = await scene.posthorn[Engagement].hits(scene.server.id, mail.message)
    assert (opened.automatic, opened.user_agent) == (True, "")
    record = await mail.record()
    assert (record.opened_at, record.person_opened_at) == (opened.at, None)
