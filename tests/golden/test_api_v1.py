"""Each recorded call of API v1, sent to ours: status, headers, and the answer's keys in order, kinds and texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.golden.comparison import Difference, Table, differences, opened, plainly
from tests.golden.recordings import ApiCall, delivery_details, played_calls
from tests.golden.rows import API
from tests.golden.world import (
    DELAYED,
    HELD,
    OPENED,
    REFUSED,
    REFUSED_AGAIN,
    GoldenWorld,
    golden_world,
)
from tests.http_api import Reply

TITLES = [call.title for call in played_calls()]
Found = dict[str, list[Difference]]


def both(call: ApiCall, reply: Reply) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is compared of a recorded call and of ours."""
    headers = {name: reply.headers.get(name) for name in call.headers}
    theirs = {"status": call.status, "headers": call.headers, "answer": legible(call.answer)}
    return theirs, {"status": reply.status, "headers": headers, "answer": legible(reply.json)}


def legible(answer: Any) -> Any:
    """An answer with its raw message as what is in it."""
    if not isinstance(answer, dict):
        return answer
    return {name: opened(value) if name == "data" else value for name, value in answer.items()}


@pytest.fixture(scope="module")
def world() -> Iterator[GoldenWorld]:
    with golden_world() as made:
        yield made


@pytest.fixture(scope="module")
def found(world: GoldenWorld) -> Found:
    """Every difference, by call. The fates that were recorded are played before the calls that ask for them."""
    made: Found = {}
    for call in played_calls():
        if call.name.startswith("kind: ") and HELD not in world.numbers:
            world.tell_the_story()
        if call.action.startswith("messages/"):
            world.deliver()
        made[call.title] = list(differences(*both(call, world.play(call))))
    return made


@pytest.mark.parametrize("title", TITLES)
def test_a_call_is_answered_as_by_postal(title: str, found: Found) -> None:
    assert Table(API).unexplained(title, found[title]) == []


def test_every_row_is_needed(found: Found) -> None:
    table = Table(API)
    for title, differing in found.items():
        table.unexplained(title, differing)
    assert table.needless == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("broken JSON", {"message": "The parameters are not valid JSON"}),
        ("form params broken", {"message": "The parameters are not valid JSON"}),
        ("DELETE", {"code": "NotFound"}),
        ("unknown action", {"code": "NotFound"}),
    ],
)
def test_where_postal_has_a_page_there_is_an_envelope(
    name: str, said: dict[str, str], world: GoldenWorld
) -> None:
    (call,) = [call for call in played_calls() if call.name == name]
    answer = world.play(call).json
    assert list(answer) == ["status", "time", "flags", "data"]
    assert (answer["status"] != "success", answer["flags"], answer["data"]) == (True, {}, said)


@pytest.mark.parametrize(
    ("event", "numbers"),
    [
        ("MessageSent", [OPENED]),
        ("MessageDelayed", [DELAYED]),
        ("MessageDeliveryFailed", [REFUSED, REFUSED_AGAIN]),
        ("MessageHeld", [HELD]),
    ],
)
@pytest.mark.usefixtures("found")
def test_a_fate_is_told_in_postals_words(
    event: str, numbers: list[int], world: GoldenWorld
) -> None:
    told = []
    for number in numbers:
        answer = world.api.v1("messages/deliveries", {"id": world.numbers[number]})
        told.append(plainly(answer["data"][0]["details"], ""))
    assert told == [plainly(details, "") for details in delivery_details(event)[: len(told)]]
