"""On a deployed target it is Lambda that delivers, and the emulator's rule that sweeps: their logs say so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.e2e.stack import RunningStack, wait_for

pytestmark = pytest.mark.targets("local", "localstack")
REPORT = re.compile(
    r"REPORT RequestId: \S+\s+Duration: ([\d.]+) ms\s+Billed Duration: (\d+) ms\s+Memory Size: \d+ MB"
)


def log_of(stack: RunningStack, function: str) -> Iterator[str]:
    """The lines that a function has written, oldest first."""
    group = f"/aws/lambda/{stack.facts['functions'][function]}"
    for page in (
        stack.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    ):
        yield from (event["message"].rstrip() for event in page["events"])


def test_a_message_posted_to_the_gateways_url_is_delivered_by_the_function(
    stack: RunningStack,
) -> None:
    assert stack.facts["api"] != stack.facts["http"]
    assert stack.facts["pids"]["runner"] == []
    rcpt = "deployed@example.test"
    body = {"to": [rcpt], "from": "hello@demo.test", "subject": "Hi", "plain_body": "Hello"}
    key = {"X-Server-API-Key": stack.facts["server"]["api_key"]}
    status, answer = stack.request("POST", f"{stack.facts['api']}/api/v1/send/message", body, key)
    assert status == 200
    number = json.loads(answer)["data"]["messages"][rcpt]["id"]
    caught = stack.arrival(rcpt)
    assert stack.get(f"/_local/inbox/messages/{caught['id']}")["verdict"]["dkim"] == "pass"

    def reported() -> list[str]:
        lines = list(log_of(stack, "DeliverDefault"))
        mentions = [line for line in lines if f'"message_id": {number},' in line]
        return lines if mentions and REPORT.search("\n".join(lines)) else []

    lines = wait_for(reported, "the function's log")
    assert all(int(billed) >= float(took) - 1 for took, billed in REPORT.findall("\n".join(lines)))


@pytest.mark.slow
def test_the_schedule_fires_the_sweep_by_itself(stack: RunningStack) -> None:
    def runs() -> int:
        return sum(line.startswith("START") for line in log_of(stack, "Sweep"))

    before = runs()
    assert wait_for(lambda: runs() > before, "the rule that fires each minute", 300)
