"""What happens to messages is counted: seen with the API and from the command line."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import ROOT, RunningStack, message, wait_for


def totals(stack: RunningStack, key: str, period: str = "day") -> dict[str, int]:
    """The sums of a server's usual range."""
    status, body = stack.request(
        "GET", f"/api/v2/statistics?period={period}", headers={"Authorization": f"Bearer {key}"}
    )
    assert status == 200, body
    found: dict[str, int] = json.loads(body)["totals"]
    return found


def posthorn(stack: RunningStack, *arguments: str) -> Any:
    """What the command prints as JSON."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [
            Path(sys.executable).with_name("posthorn"),
            "--json",
            "--stack",
            stack.state / "stack.json",
            *arguments,
        ],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def tenant(stack: RunningStack) -> Iterator[tuple[str, str, str]]:
    """A server that nobody else counts on, and that goes afterwards: its name, its API key and its domain."""
    name, domain = f"s{secrets.token_hex(4)}", f"{secrets.token_hex(4)}.test"
    server = posthorn(stack, "server", "create", name)["server"]
    posthorn(stack, "domain", "add", domain, "--server", server)
    posthorn(stack, "domain", "trust", domain, "--server", server)
    made = posthorn(stack, "credential", "create", "api", "--kind", "api", "--server", server)
    yield server, made["key"], domain
    posthorn(stack, "server", "remove", server, "--confirm", server.rpartition("/")[2])


def test_three_messages_and_what_became_of_them_are_counted(
    stack: RunningStack, tenant: tuple[str, str, str]
) -> None:
    server, key, domain = tenant
    mark = secrets.token_hex(4)
    for name in (f"a-{mark}", f"b-{mark}", f"c-{mark}+550"):
        email = {"from": f"app@{domain}", "to": f"{name}@example.test", "text": "x", "subject": "x"}
        status, body = stack.request(
            "POST", "/api/v2/emails", email, {"Authorization": f"Bearer {key}"}
        )
        assert status == 202, body

    def settled() -> bool:
        found = totals(stack, key)
        return found["sent"] + found["hard_fails"] >= 3 and found["outgoing"] >= 3

    wait_for(settled, "three messages to be counted")
    expected = {"outgoing": 3, "sent": 2, "hard_fails": 1}
    for period in ("minute", "hour", "day"):
        assert {n: count for n, count in totals(stack, key, period).items() if count} == expected
    said = posthorn(stack, "server", "statistics", server, "--since", "2d")
    assert {name: count for name, count in said["totals"].items() if count} == expected
    assert said["data"]


def test_another_server_s_key_counts_its_own_alone(
    stack: RunningStack, tenant: tuple[str, str, str]
) -> None:
    rcpt = f"{secrets.token_hex(4)}@example.test"
    stack.submit(rcpt, message(rcpt))
    demo = stack.facts["server"]["api_key"]
    wait_for(lambda: totals(stack, demo)["outgoing"], "the demo server's count")
    assert set(totals(stack, tenant[1]).values()) == {0}
