"""A look that may end holds and begin none, as the sweep's and that after a change of limits, keeps no message from
finding what is to begin."""

from __future__ import annotations

from chalicelib.domain.model import Status
from chalicelib.services.reputation.watch_rates import WatchRates
from chalicelib.services.tenancy.rate_fields import RatesOfStreams
from tests.integration.outgoing.test_rates_that_hold import (
    aws_backend,
    aws_names,
    aws_settings,
    counted,
    looked_anew,
    scene,
    status,
    stored,
    tried,
)
from tests.worlds import Scene

__all__ = ["aws_backend", "aws_names", "aws_settings", "scene"]


async def test_a_limit_that_is_set_below_the_rate_holds_at_once(scene: Scene) -> None:
    await scene.change_server(complaint_rate_limit=None, bounce_rate_limit=None)
    await counted(scene, refused=200)
    assert await status(scene) is Status.SENT
    await scene.change_server(bounce_rate_limit=5)
    await scene.posthorn[WatchRates].judged_anew(await stored(scene))  # as the API does
    assert await status(scene) is Status.HELD


async def test_one_stream_that_is_held_hides_no_other(scene: Scene) -> None:
    await scene.change_server(complaint_rate_limit=None, bounce_rate_limit=None)
    streams = scene.posthorn[RatesOfStreams]
    for stream in ("broadcast", "transactional"):
        scene.server = await streams.change(scene.server, stream, {"bounce_rate_limit": 10.0})
    await counted(scene, "broadcast", refused=200)
    await tried(scene, 1, "broadcast")
    await looked_anew(scene)
    await counted(scene, "transactional", refused=200)
    await scene.sweep()  # which looks at the line of broadcast
    assert {one.stream for one in (await stored(scene)).rate_holds} == {"broadcast"}
    assert await status(scene, "transactional") is Status.HELD
