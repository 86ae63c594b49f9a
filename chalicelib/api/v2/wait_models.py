"""Why a message is not done, as API v2 shows it (api.md 2.10)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.v2.objects import Answer, Moment
from chalicelib.domain.waits import WaitCode


class Wait(Answer):
    """Why a message is not done."""

    code: Annotated[
        WaitCode,
        Field(
            description="`queued`: its first try comes; `retry`: the next one; `throttled`: the next one, because as"
            " many connections to the receiver were open as may be; `source`: because no address of its pool could be"
            " used; `scheduled`: its time; `in_progress`: tried now; else why it is held. More may come."
        ),
    ]
    detail: Annotated[str, Field(description="What its last delivery says; empty without one.")]
    since: Moment
    until: Annotated[
        Moment | None, Field(description="When it is tried again, or its hold expires.")
    ]
    others: Annotated[
        int | None,
        Field(
            description="How many others wait for the same: at the same destination if it is to be tried again. Of more"
            " than 1,000 that wait in a direction the newest are looked at. Null in lists, and where nobody counts."
        ),
    ] = None
    ahead: Annotated[
        int | None,
        Field(
            description="Of one that was never tried: about how many of all servers are before it in the queue, up to"
            " 10,000. Null for others, in lists, and where nobody counts."
        ),
    ] = None
