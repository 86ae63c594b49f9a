"""`make cost`: what a million messages cost on AWS, measured on the deployed functions in the local emulator.

Starts a local stack of its own with the packaged functions in the emulator's Lambdas, sends messages of 20 kB by SMTP
through the gateway and by HTTP in batches through API Gateway, the latter once more with a webhook that is told of
each, and reads functions' and gateway's logs for calls, request units, bytes and billed milliseconds. Counts hold on
AWS as well; milliseconds are this machine's, where a function has a whole core, which on AWS takes 1,769 MB: what
smaller ones would cost if they did nothing but compute stands apart, like data out, what costs the same however little
is sent, and the time that real receivers take.
"""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import smtplib
import ssl
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.cost.billing import Used, add_lines
from bench.cost.counting import Counting
from bench.cost.receiver import Receiver, receiving
from bench.cost.tables import (
    API,
    COUNTER,
    DELIVERER,
    HTTP_BATCH,
    POSTERS,
    SIZE,
    Measured,
    as_json,
    tables,
)
from infra.local.aws import EMULATOR_PYTHON
from tests.e2e.stack import RunningStack, wait_for
from tests.e2e.target import TARGETS

SESSIONS = 32
DOMAINS = 20
CONCURRENCY = 2  # delivering functions at once, so that they do not fight for this machine's cores


def by_smtp(stack: RunningStack, messages: int) -> None:
    """Submit through the gateway, in SESSIONS connections at a time."""
    server, smtp = stack.facts["server"], stack.facts["smtp"]
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    def session(recipients: Sequence[str]) -> None:
        with smtplib.SMTP(smtp["host"], smtp["submission"], "cost.test", timeout=60) as client:
            client.starttls(context=context)
            client.ehlo()
            client.user, client.password = server["smtp_username"], server["smtp_key"]
            client.auth("PLAIN", client.auth_plain)
            for rcpt in recipients:
                client.sendmail(server["from"], rcpt, _content(server["from"], rcpt))

    people = _people(messages)
    with ThreadPoolExecutor(SESSIONS) as pool:
        list(pool.map(session, [people[at::SESSIONS] for at in range(SESSIONS)]))


def by_http(stack: RunningStack, messages: int) -> int:
    """Post to API Gateway's URL in batches; how many requests that took."""
    server, people = stack.facts["server"], _people(messages)
    key = {"Authorization": f"Bearer {server['api_key']}"}
    text = _text()
    starts = range(0, messages, HTTP_BATCH)
    for at in starts:
        batch = [
            {"from": server["from"], "to": [rcpt], "subject": "Cost", "text": text}
            for rcpt in people[at : at + HTTP_BATCH]
        ]
        status, body = stack.request("POST", "/api/v2/emails/batch", batch, key)
        if status != 200 or json.loads(body)["rejected"]:
            raise RuntimeError(f"the API refused a batch with status {status}: {body[:300]!r}")
    return len(starts)


def measure(
    stack: RunningStack,
    counting: Counting,
    way: str,
    messages: int,
    receiver: Receiver | None = None,
) -> Measured:
    """Send, wait until all has arrived and the receiver, if any, was told of all, and read the functions' logs. The
    gateway's come when it has stopped."""
    before = {name: _lines(stack, name) for name in (API, DELIVERER, *POSTERS)}
    stack.request("DELETE", "/_local/inbox/messages")
    counting.skip()
    used = Used()
    if way == "SMTP":
        by_smtp(stack, messages)
    else:
        used.http_requests = by_http(stack, messages)
    wait_for(lambda: _arrived(stack) >= messages, f"{messages} messages by {way}", 600)
    wait_for(lambda: _settled(stack, before, messages), "the functions' logs", 150)
    counted = Used()
    counting.add_to(counted)
    if receiver is not None:
        wait_for(lambda: receiver.events >= messages, f"{messages} events at a webhook", 600)
        wait_for(lambda: _posted(stack, before) >= messages, "the logs of webhooks", 300)
    for name, known in before.items():
        add_lines(used, _lines(stack, name)[len(known) :], name)
    used.add(counted)
    return Measured(way, messages, used, counted)


def measure_webhook(stack: RunningStack, counting: Counting, messages: int) -> Measured:
    """The same by HTTP, with a webhook at a receiver on loopback that takes each event at once."""
    tenant = {
        "Authorization": f"Bearer {stack.facts['management_key']}",
        "Posthorn-Tenant": stack.facts["server"]["smtp_username"],
    }
    with receiving() as receiver:
        wanted = {"url": receiver.url, "events": ["email.delivered"]}
        status, body = stack.request("POST", "/api/v2/webhooks", wanted, tenant)
        if status != 201:
            raise RuntimeError(f"no webhook was made: status {status}: {body[:300]!r}")
        return measure(stack, counting, "webhook", messages, receiver)


def run(messages: int, folder: Path) -> list[Measured]:
    """Measure both ways in, and a webhook, on a stack of one's own."""
    local = TARGETS["local"]
    stack = RunningStack(folder / "state", local.settings, local.start_seconds)
    try:
        _limit_concurrency(stack)
        _play_the_outbox_here(stack)
        counting = Counting(stack.facts["environment"])
        found = [measure(stack, counting, way, messages) for way in ("SMTP", "HTTP")]
        found.append(measure_webhook(stack, counting, messages))
        stack.stop()
        lines = (stack.state / "logs" / "gateway.log").read_text().splitlines()
        add_lines(found[0].used, [line for line in lines if '"event":"stopped"' in line])
        return found
    finally:
        stack.end()


def _people(count: int) -> list[str]:
    run_id = secrets.token_hex(4)
    return [f"{run_id}-{number}@cost{number % DOMAINS}.example.test" for number in range(count)]


def _text() -> str:
    line = "Lorem ipsum dolor sit amet, consectetur adipisci velit, sed quia non.\r\n"
    return line * (SIZE // len(line))


def _content(sender: str, rcpt: str) -> bytes:
    return f"From: {sender}\r\nTo: {rcpt}\r\nSubject: Cost\r\n\r\n{_text()}".encode()


def _limit_concurrency(stack: RunningStack) -> None:
    client = stack.client("lambda")
    name = stack.facts["functions"][DELIVERER]
    (mapping,) = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    client.update_event_source_mapping(
        UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": CONCURRENCY}
    )


def _play_the_outbox_here(stack: RunningStack) -> None:
    """Take the stream away from the deployed function: `Counting` hands it over as AWS gathers it."""
    client = stack.client("lambda")
    name = stack.facts["functions"][COUNTER]
    (mapping,) = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    client.delete_event_source_mapping(UUID=mapping["UUID"])


def _lines(stack: RunningStack, function: str) -> list[str]:
    """A function's log so far, in the order of its streams."""
    pages = stack.client("logs").get_paginator("filter_log_events")
    group = f"/aws/lambda/{stack.facts['functions'][function]}"
    found = pages.paginate(logGroupName=group)
    return [event["message"].rstrip() for page in found for event in page["events"]]


def _settled(stack: RunningStack, before: dict[str, list[str]], messages: int) -> bool:
    """Whether the deliverer has logged all these messages, and a report for each batch."""
    used = Used()
    add_lines(used, _lines(stack, DELIVERER)[len(before[DELIVERER]) :], DELIVERER)
    logged = sum(size for size, _ in used.batches)
    return logged >= messages and used.invocations[DELIVERER] >= len(used.batches)


def _posted(stack: RunningStack, before: dict[str, list[str]]) -> int:
    """How many requests those who work at lanes have logged."""
    lines = [line for name in POSTERS for line in _lines(stack, name)[len(before[name]) :]]
    said = [json.loads(line) for line in lines if line.startswith("{")]
    return sum(int(one.get("requests", 0)) for one in said)


def _arrived(stack: RunningStack) -> int:
    time.sleep(0.5)  # a list of a thousand takes the front's time, which the deliveries need
    return len(stack.get("/_local/inbox/messages?limit=1000"))


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when measured, 1 with one sentence when that was impossible."""
    parser = argparse.ArgumentParser(prog="python -m bench.cost", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000, help="of each way in, 1 to 1000")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    if not 1 <= given.messages <= 1_000:
        parser.error("--messages must be from 1 to 1000")
    if not EMULATOR_PYTHON.exists():
        print("posthorn: .venv-ministack is missing; make cost installs it", file=sys.stderr)
        return 1
    folder = Path(tempfile.mkdtemp(prefix="posthorn-cost-"))
    try:
        found = run(given.messages, folder)
        print(json.dumps(as_json(*found)) if given.json else "\n".join(tables(*found)))
    except (AssertionError, RuntimeError, OSError, smtplib.SMTPException) as error:
        print(f"posthorn: the measurement failed: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
