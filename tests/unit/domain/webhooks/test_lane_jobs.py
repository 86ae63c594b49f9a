"""Wake-ups of lanes: their text, and as few of them as do."""

from __future__ import annotations

import json

import pytest

from chalicelib.domain.errors import Rejected
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.webhooks.delivery import delivery_id
from chalicelib.domain.webhooks.lane import MOST_FRESH, LaneJob, merged
from chalicelib.domain.webhooks.lane_job import parse_lane_job, render_lane_job

SERVER = ServerId(7)


def ids(first: int, count: int) -> tuple[str, ...]:
    return tuple(delivery_id("wh", str(number), 1.0) for number in range(first, first + count))


@pytest.mark.parametrize(
    "job",
    [
        LaneJob(SERVER, "wh"),
        LaneJob(SERVER, "wh", is_slow=True, fresh=ids(0, 2)),
        LaneJob(SERVER, "wh", fresh=ids(0, MOST_FRESH), waited=3),
    ],
)
def test_text_and_back(job: LaneJob) -> None:
    text = render_lane_job(job)
    assert parse_lane_job(text) == job
    assert len(text) < 30_000


@pytest.mark.parametrize("waited", [-1, "1", 1.5, True, None, []])
def test_what_never_waited_so_often_is_none(waited: object) -> None:
    text = json.dumps(json.loads(render_lane_job(LaneJob(SERVER, "wh"))) | {"n": waited})
    with pytest.raises(Rejected):
        parse_lane_job(text)


def test_those_of_a_lane_are_one_with_all_their_ids() -> None:
    one, other = LaneJob(SERVER, "one", fresh=ids(0, 2), waited=4), LaneJob(SERVER, "other")
    again = LaneJob(SERVER, "one", fresh=ids(1, 2), waited=1)
    slow = LaneJob(SERVER, "one", is_slow=True)
    both = LaneJob(SERVER, "one", fresh=ids(0, 3), waited=1)
    assert merged([one, other, again, slow]) == [(both, [0, 2]), (other, [1]), (slow, [3])]


def test_no_wake_up_names_more_than_one_may() -> None:
    jobs = [LaneJob(SERVER, "wh", fresh=ids(number * 200, 200)) for number in range(5)]
    found = merged(jobs)
    assert [len(job.fresh) for job, _ in found] == [400, 400, 200]
    assert [numbers for _, numbers in found] == [[0, 1], [2, 3], [4]]
