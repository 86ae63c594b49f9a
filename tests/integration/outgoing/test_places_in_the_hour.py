"""What a server's send limits cost: a place is taken once, for what nothing else kept back, and given back when
nothing was sent."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.model import MessageRecord, State, Status
from chalicelib.domain.reply import Reply
from chalicelib.domain.suppression import Suppression
from chalicelib.domain.tenancy.servers import ServerMode
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.send_limits import SendLimits
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.tenancy.credentials import CredentialOptions
from chalicelib.services.tenancy.servers import ServerOptions, Servers
from tests.listed import list_new
from tests.worlds import Scene, make_scene

LIMITED = ServerOptions(send_limit=3)


class Places:
    """How often a place was reserved and given back; a volume that is `away` says so when it is asked for one."""

    def __init__(self, scene: Scene) -> None:
        self.reserved = self.given_back = 0
        self.away = False
        volume: Any = scene.posthorn[SendLimits]
        reserve, give_back = volume.take, volume.give_back

        async def reserving(*about: Any, **more: Any) -> Any:
            if self.away:
                raise TemporaryFailure("The counters are away")
            self.reserved += 1
            return await reserve(*about, **more)

        async def giving_back(*about: Any) -> Any:
            self.given_back += 1
            return await give_back(*about)

        volume.take, volume.give_back = reserving, giving_back

    @property
    def taken(self) -> tuple[int, int]:
        return self.reserved, self.given_back


async def delivered(scene: Scene) -> tuple[MessageRecord, Places]:
    """One message after its first attempt, and what that took."""
    places = Places(scene)
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    return await scene.record(accepted), places


async def test_a_message_that_is_sent_takes_one_place() -> None:
    record, places = await delivered(await make_scene(server=LIMITED))
    assert record.status is Status.SENT
    assert places.taken == (1, 0)


async def test_without_a_limit_nothing_is_counted() -> None:
    record, places = await delivered(await make_scene())
    assert record.status is Status.SENT
    assert places.taken == (0, 0)


async def suspended() -> Scene:
    scene = await make_scene(server=LIMITED)
    await scene.posthorn[Servers].suspend(scene.server, "abuse")
    return scene


async def holding() -> Scene:
    return await make_scene(server=LIMITED, credential=CredentialOptions(hold=True))


async def suppressed() -> Scene:
    scene = await make_scene(server=LIMITED)
    now = scene.clock.now()
    entry = Suppression("john@example.com", "too many hard fails", now, int(now) + 900)
    await list_new(scene.posthorn[SuppressionList], scene.server.id, [entry])
    return scene


@pytest.mark.parametrize("made", [suspended, holding, suppressed])
async def test_what_a_check_before_the_limit_keeps_back_takes_no_place(made: Any) -> None:
    record, places = await delivered(await made())
    assert record.status is Status.HELD
    assert places.taken == (0, 0)


async def test_what_the_limit_holds_takes_no_place() -> None:
    record, places = await delivered(await make_scene(server=ServerOptions(send_limit=0)))
    assert record.status is Status.HELD
    assert places.taken == (1, 0)


async def test_what_development_mode_holds_gives_its_place_back() -> None:
    server = ServerOptions(send_limit=3, mode=ServerMode.DEVELOPMENT)
    record, places = await delivered(await make_scene(server=server))
    assert record.deliveries[-1].details == "Server is in development mode."
    assert places.taken == (1, 1)


async def test_a_message_whose_body_was_removed_gives_its_place_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await make_scene(server=LIMITED)

    async def removed(_: object) -> bytes:
        raise NotFound("No such object")

    monkeypatch.setattr(scene.posthorn[BlobStore], "get", removed)
    record, places = await delivered(scene)
    assert record.status is Status.HARD_FAIL
    assert places.taken == (1, 1)


async def test_a_retry_takes_no_second_place() -> None:
    scene = await make_scene(server=LIMITED)
    scene.egress.will("john@example.com", TransactionResult(Reply(451, "4.7.1", "Later"), "RCPT"))
    record, places = await delivered(scene)
    assert record.status is Status.SOFT_FAIL
    await scene.play(1_200)
    assert (await scene.record(scene.sent[0])).status is Status.SENT
    assert places.taken == (1, 0)


async def test_without_an_answer_about_the_hour_nothing_is_done_and_the_wake_up_comes_back() -> (
    None
):
    scene = await make_scene(server=LIMITED)
    places = Places(scene)
    places.away = True
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    record = await scene.record(accepted)
    assert (record.state, record.tries, record.deliveries) == (State.LEASED, 0, ())
    assert scene.egress.received == []
    places.away = False
    await scene.play(1_200)
    assert (await scene.record(accepted)).status is Status.SENT
    assert places.taken == (1, 0)
