"""How much of its send limits the server of a scene has used."""

from __future__ import annotations

from chalicelib.domain.limits.limit import Usage, limits_over
from chalicelib.ports.send_limits import SendLimits
from tests.worlds import Scene


async def usages(scene: Scene) -> list[Usage]:
    """Of each limit of the server and its organization, as they are now."""
    return await scene.posthorn[SendLimits].usages(limits_over(scene.server), scene.clock.now())
