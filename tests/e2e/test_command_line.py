"""The command `posthorn` finds the running stack by its folder and manages it: send, look, hold, release, follow."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import RunningStack, wait_for
from tests.patience import PATIENCE

Cli = Callable[..., Any]


@pytest.fixture
def cli(stack: RunningStack, tmp_path: Path) -> Cli:
    """Runs the command as a person in another folder would; its JSON."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("POSTHORN_", "AWS_"))
    }
    environment = clean | {
        "POSTHORN_STATE": str(stack.state),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }

    def run(*arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "chalicelib.cli", "--json", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return (
            [json.loads(line) for line in done.stdout.splitlines()]
            if arguments[0] == "tail"
            else json.loads(done.stdout)
        )

    return run


@pytest.mark.parametrize("way", [(), ("--smtp",)], ids=["http", "smtp"])
def test_a_sent_message_arrives_and_its_timeline_says_so(
    stack: RunningStack, cli: Cli, way: tuple[str, ...]
) -> None:
    recipient = f"cli-{secrets.token_hex(6)}@example.com"
    answer = cli("send", "--to", recipient, "--subject", "From the command", "--text", "x", *way)
    assert "messages" in answer or "queued as" in answer["reply"]
    stack.arrival(recipient)

    def sent() -> Any:
        found = cli("message", "list", "--to", recipient)["messages"]
        return found[0] if found and found[0]["status"] == "Sent" else None

    message = wait_for(sent, "the status Sent")
    shown = cli("message", "show", str(message["id"]))
    delivery = shown["deliveries"][-1]
    assert delivery["status"] == "Sent"
    assert delivery["output"].startswith("250 ")
    assert delivery["tls"].startswith("TLSv1.")
    assert delivery["remote"]
    assert cli("message", "show", shown["token"])["id"] == message["id"]

    def told() -> bool:
        events = cli("tail", "--since", "1h", "--polls", "1")
        told_of = {(each["type"], each["data"].get("email", {}).get("id")) for each in events}
        return ("email.delivered", message["id"]) in told_of

    wait_for(told, "the event of the delivery")


def test_a_credential_that_holds_is_made_used_and_revoked(stack: RunningStack, cli: Cli) -> None:
    recipient = f"cli-{secrets.token_hex(6)}@example.com"
    made = cli("credential", "create", "holding", "--kind", "API", "--hold")
    body = {"from": stack.facts["server"]["from"], "to": [recipient], "text": "x"}
    headers = {"Authorization": f"Bearer {made['key']}"}
    status, answer = stack.request("POST", "/api/v2/emails", body, headers)
    assert status == 202, answer
    number = str(json.loads(answer)["id"])
    wait_for(lambda: cli("message", "show", number)["held"], "the hold")
    assert number in {
        str(each["id"]) for each in cli("message", "list", "--flag", "held")["messages"]
    }
    cli("message", "release", number)
    stack.arrival(recipient)
    cli("credential", "revoke", made["id"])
    assert made["id"] not in {each["id"] for each in cli("credential", "list")}


def test_the_demo_domain_is_published_in_the_local_zone(cli: Cli, stack: RunningStack) -> None:
    name = stack.facts["server"]["domain"]
    verified = cli("domain", "verify", name)
    assert {finding["status"] for finding in verified["findings"]} == {"OK"}
    assert [each["name"] for each in cli("domain", "list")] == [name]
