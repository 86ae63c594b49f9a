"""What is forgotten, written down as objects under `forgotten/`: numbers of messages, or a whole server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from chalicelib.adapters.aws.lake.objects import FORGOTTEN, LakeObject, LakeObjects

FORGET_SECONDS = 6 * 3_600
"""How long what was forgotten may wait, so that what is forgotten one by one is taken out together."""


async def mark(
    objects: LakeObjects, server: int, messages: Sequence[int] | None, now: float
) -> None:
    """Write down what is forgotten: messages of a server, or all of it."""
    content = json.dumps({"server": server, "messages": messages}).encode()
    digest = hashlib.sha256(content).hexdigest()[:24]
    await objects.write(FORGOTTEN, f"{int(now):010d}-{digest}", content)


def due_marks(found: Sequence[LakeObject], now: float) -> list[str]:
    """All marks among these objects, once the oldest has waited long enough."""
    names = sorted(one.name for one in found if one.kind == FORGOTTEN)
    if not names or int(names[0].partition("-")[0]) > now - FORGET_SECONDS:
        return []
    return names
