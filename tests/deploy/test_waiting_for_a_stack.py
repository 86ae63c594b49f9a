"""A stack is waited for as long as AWS needs, asked about as often as AWS likes; its first failure is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra import stack as stacks
from infra.stack import EMULATORS_PACE, PATIENT_PACE, Pace, Stack, StackFailed, deploy
from infra.targets import Target


class Clock:
    """Time that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def refused(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "DescribeStacks")


class SlowCloudFormation:
    """One stack, whose states are told one a question; an error among them is raised."""

    def __init__(self, *states: str | ClientError, events: tuple[dict[str, str], ...] = ()) -> None:
        self._states: Iterator[str | ClientError] = iter(states)
        self._last: str | ClientError = ""
        self._events = events
        self._created = False

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        if not self._created:
            raise refused("ValidationError", "the stack does not exist")
        self._last = next(self._states, self._last)
        if isinstance(self._last, ClientError):
            raise self._last
        return {"Stacks": [{"StackStatus": self._last, "Outputs": []}]}

    def describe_stack_events(self, **_: Any) -> dict[str, Any]:
        return {"StackEvents": list(self._events) if self._created else []}

    def create_stack(self, **_: Any) -> None:
        self._created = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(stacks, "time", found)
    return found


def bring(client: Any, pace: Pace) -> dict[str, str]:
    return deploy(client, Stack("posthorn-data", "{}", {}), pace=pace)


def test_aws_is_asked_seldom_and_waited_for_long(clock: Clock) -> None:
    busy = [
        "CREATE_IN_PROGRESS"
    ] * 600  # fifty minutes: the interfaces of a function take that long
    bring(SlowCloudFormation(*busy, "CREATE_COMPLETE"), PATIENT_PACE)
    assert set(clock.pauses) == {5}
    assert Target("aws", "", "eu-west-1").pace == PATIENT_PACE
    assert Target("local", "http://127.0.0.1:1", "us-east-1").pace == EMULATORS_PACE


def test_who_is_told_to_slow_down_asks_again_later(clock: Clock) -> None:
    throttled = refused("Throttling", "Rate exceeded")
    bring(
        SlowCloudFormation("CREATE_IN_PROGRESS", throttled, throttled, "CREATE_COMPLETE"),
        PATIENT_PACE,
    )
    assert clock.pauses == [5, 5, 5]
    denied = refused("AccessDenied", "no")
    with pytest.raises(ClientError, match="AccessDenied"):
        bring(SlowCloudFormation("CREATE_IN_PROGRESS", denied), PATIENT_PACE)


def test_clients_of_aws_give_way() -> None:
    retries = Target("aws", "", "eu-west-1").client("cloudformation").meta.config.retries
    assert (retries["mode"], retries["total_max_attempts"]) == ("adaptive", 10)


@pytest.mark.usefixtures("clock")
def test_whoever_gives_up_still_says_what_failed_first() -> None:
    failed = {
        "EventId": "1",
        "LogicalResourceId": "Group",
        "ResourceStatus": "CREATE_FAILED",
        "ResourceStatusReason": "Received 1 FAILURE signal",
    }
    client = SlowCloudFormation("ROLLBACK_IN_PROGRESS", events=(failed,))
    with pytest.raises(StackFailed, match=r"not done after 10 s; Group CREATE_FAILED Received 1"):
        bring(client, Pace(1, 10))
