"""A started stack has sent itself a message through the whole path, and says so."""

from __future__ import annotations

import re
import stat

from tests.e2e.stack import RunningStack, message
from tests.e2e.target import chosen


def test_the_first_message_arrives_signed_and_is_announced(stack: RunningStack) -> None:
    lines = [line for line in stack.output.splitlines() if line.startswith("first message:")]
    assert len(lines) == 1
    found = re.fullmatch(
        r"first message: hello@demo\.test → (\S+) in [0-9.]+ s, DKIM pass \(2 signatures\);"
        r" look at (\S+)",
        lines[0],
    )
    assert found, lines[0]
    caught = stack.inbox(found[1])[0]
    assert caught["subject"] == "Posthorn works"
    status, page = stack.request("GET", found[2])
    assert status == 200
    assert b"Posthorn works" in page


def test_the_facts_are_complete_and_private(stack: RunningStack) -> None:
    path = stack.state / "stack.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    facts = stack.now_facts()
    wanted = "engine http pages smtp inbox dns admin server pids".split()
    assert set(facts) >= set(wanted)
    assert facts["pages"] == facts["http"].replace("127.0.0.1", "localhost")
    assert facts["engine"] == ("sqlite" if chosen().embedded else "aws")
    assert ("aws" in facts) is not chosen().embedded
    assert facts["server"]["from"] == "hello@demo.test"
    assert facts["server"]["smtp_username"] == "demo/demo"
    assert all(facts["server"][name] for name in ("api_key", "smtp_key"))
    key = {"Authorization": f"Bearer {facts['management_key']}"}
    status, listed = stack.request("GET", "/api/v2/servers", headers=key)
    assert status == 200
    assert b'"demo/demo"' in listed
    assert facts["admin"]["email"] == "admin@posthorn.test"
    assert facts["pids"]["supervisor"] == stack.process.pid
    if chosen().embedded:
        assert facts["pids"] == {"supervisor": stack.process.pid, "serve": facts["pids"]["serve"]}
        assert len(facts["pids"]["serve"]) == 1
        return
    assert len(facts["pids"]["gateway"]) == 1
    assert len(facts["pids"]["runner"]) == (0 if facts["functions"] else 1)


def test_a_message_by_submission_keeps_its_bytes(stack: RunningStack) -> None:
    rcpt = "bytes-kept@example.test"
    content = message(rcpt, body="A line.\r\n.A dot.\r\n" + "x" * 3000 + "\r\n")
    stack.submit(rcpt, content)
    caught = stack.arrival(rcpt)
    body = content.partition(b"\r\n\r\n")[2]
    assert stack.raw(caught).partition(b"\r\n\r\n")[2] == body
    verdict = stack.get(f"/_local/inbox/messages/{caught['id']}")["verdict"]
    assert (verdict["dkim"], verdict["spf"], verdict["dmarc"]) == ("pass", "pass", "pass")
    assert {each["algorithm"] for each in verdict["signatures"] if each["valid"]} == {
        "rsa-sha256",
        "ed25519-sha256",
    }
