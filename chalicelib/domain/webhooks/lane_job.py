"""The text of a lane's wake-up as it lies in a queue: compact JSON.

`parse_lane_job(render_lane_job(job)) == job`. Parsing takes any text: what is no such job raises `Rejected`.
"""

from __future__ import annotations

import json

from chalicelib.domain.errors import Rejected
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.webhooks.delivery import is_delivery_id
from chalicelib.domain.webhooks.lane import LaneJob

LONGEST = 65_536
KIND = "lane"
_HIGHEST_SERVER = 2**31


def render_lane_job(job: LaneJob) -> str:
    """The JSON text of a wake-up."""
    told = {"kind": KIND, "s": job.server_id, "w": job.webhook, "f": list(job.fresh)}
    told |= {"slow": 1} if job.is_slow else {}
    told |= {"n": job.waited} if job.waited else {}
    return json.dumps(told, separators=(",", ":"))


def parse_lane_job(text: str) -> LaneJob:
    """The wake-up of a JSON text; Rejected for anything else."""
    try:
        if len(text) > LONGEST:
            raise ValueError("too long")
        given = json.loads(text)
        server, webhook, fresh = given["s"], given["w"], given["f"]
        waited = given.get("n", 0)
        is_right = (
            given["kind"] == KIND
            and type(server) is int
            and 0 < server < _HIGHEST_SERVER
            and type(webhook) is str
            and type(waited) is int
            and waited >= 0
            and type(fresh) is list
            and all(type(one) is str and is_delivery_id(one) for one in fresh)
        )
        if not is_right:
            raise ValueError("no job")
        return LaneJob(ServerId(server), webhook, bool(given.get("slow")), tuple(fresh), waited)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Rejected("This is not a lane's job") from error
