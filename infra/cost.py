"""`make cost`: what a million messages cost on AWS, measured on the deployed functions in the local emulator.

Starts a local stack of its own with the packaged functions in the emulator's Lambdas, sends messages of 20 kB by SMTP
through the gateway and by HTTP in batches through API Gateway, and reads functions' and gateway's logs for calls,
request units, bytes and billed milliseconds. Counts hold on AWS as well; milliseconds are this machine's, where a
function has a whole core, which on AWS takes 1,769 MB: what smaller ones would cost if they did nothing but compute
stands apart, like data out, what costs the same however little is sent, and the time that real receivers take.
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
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session

from infra import prices
from infra.billing import Model, Used, add_lines, dollars, fit, second_of_waiting, slower
from infra.local.aws import EMULATOR_PYTHON
from tests.e2e.stack import RunningStack, wait_for
from tests.e2e.target import TARGETS

SIZE = 20_000
SESSIONS = 32
HTTP_BATCH = 50
DOMAINS = 20
CONCURRENCY = 2  # delivering functions at once, so that they do not fight for this machine's cores
RATES = (1, 3, 10, 30, 100, 300, 1_000)
SMTP_TARGET, HTTP_TARGET = 5.0, 9.0
CALLS_TARGET, WRITES_TARGET = 4.5, 4.1
DELIVERER = "DeliverDefault"


@dataclass(frozen=True, slots=True)
class Measured:
    """What `messages` messages of one way in have used."""

    way: str
    messages: int
    used: Used

    @property
    def calls(self) -> float:
        """AWS calls a message."""
        return self.used.total_calls / self.messages

    @property
    def write_units(self) -> float:
        """DynamoDB write units a message."""
        return self.used.write_units / self.messages

    def per_million(self) -> dict[str, float]:
        """Dollars by service."""
        return {name: sum_ * 1e6 / self.messages for name, sum_ in dollars(self.used).items()}


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


def measure(stack: RunningStack, way: str, messages: int) -> Measured:
    """Send, wait until all has arrived, and read the functions' logs. The gateway's come when it has stopped."""
    before = {name: _lines(stack, name) for name in ("Api", DELIVERER)}
    stack.request("DELETE", "/_local/inbox/messages")
    used = Used()
    if way == "SMTP":
        by_smtp(stack, messages)
    else:
        used.http_requests = by_http(stack, messages)
    wait_for(lambda: _arrived(stack) >= messages, f"{messages} messages by {way}", 600)
    wait_for(lambda: _settled(stack, before, messages), "the functions' logs", 60)
    for name, known in before.items():
        add_lines(used, _lines(stack, name)[len(known) :], name)
    return Measured(way, messages, used)


def run(messages: int, folder: Path) -> list[Measured]:
    """Measure both ways on a stack of one's own."""
    local = TARGETS["local"]
    stack = RunningStack(folder / "state", local.settings, local.start_seconds)
    try:
        _limit_concurrency(stack)
        found = [measure(stack, "SMTP", messages), measure(stack, "HTTP", messages)]
        stack.stop()
        lines = (stack.state / "logs" / "gateway.log").read_text().splitlines()
        add_lines(found[0].used, [line for line in lines if '"event":"stopped"' in line])
        return found
    finally:
        stack.end()


def model_of(measured: Measured) -> Model:
    """The model of the rate, with what was measured by SMTP."""
    used, messages = measured.used, measured.messages
    batch_ms, message_ms = fit(used.batches)
    leases = 0.1
    return Model(
        write_units=measured.write_units - leases if measured.write_units > leases else 0.0,
        read_units=used.read_units / messages,
        batch_ms=batch_ms,
        message_ms=message_ms,
        log_bytes=used.log_bytes / messages,
    )


def report(found: Iterable[Measured]) -> list[str]:
    """The tables for people."""
    ways = list(found)
    head = "".join(f"{one.way:>12}" for one in ways)
    lines = [
        f"A million messages of {SIZE / 1000:.0f} kB, one recipient, measured with"
        f" {ways[0].messages:,} each on the deployed functions",
        f"prices of {prices.DATE}: {prices.SOURCE}",
        f"HTTP: {HTTP_BATCH} messages a request",
        "",
        f"{'a message':36}{head}",
    ]
    names = sorted({name for one in ways for name in one.used.calls})
    for name in names:
        row = "".join(f"{one.used.calls[name] / one.messages:12.3f}" for one in ways)
        lines.append(f"  {name:34}{row}")
    for label, value in (
        ("AWS calls", lambda one: one.calls),
        ("DynamoDB write units", lambda one: one.write_units),
        ("DynamoDB read units", lambda one: one.used.read_units / one.messages),
        ("bytes sent to AWS", lambda one: one.used.sent / one.messages),
        ("bytes got from AWS", lambda one: one.used.received / one.messages),
        ("Api, billed ms", lambda one: one.used.milliseconds["Api"] / one.messages),
        ("Deliver, billed ms", lambda one: one.used.milliseconds[DELIVERER] / one.messages),
        ("messages a delivery batch", lambda one: _mean_batch(one.used)),
    ):
        lines.append(f"  {label:34}" + "".join(f"{value(one):12.2f}" for one in ways))
    lines += ["", f"{'dollars a million':36}{head}"]
    bills = [one.per_million() for one in ways]
    lines += [
        f"  {name:34}" + "".join(f"{bill[name]:12.2f}" for bill in bills) for name in bills[0]
    ]
    lines.append(f"  {'sum':34}" + "".join(f"{sum(bill.values()):12.2f}" for bill in bills))
    out = SIZE * 1e6 / prices.GB * prices.DATA_OUT_GB
    lines.append(f"  {'data out, apart':34}" + f"{out:12.2f}" * len(ways))
    more = "".join(f"{slower(one.used) * 1e6 / one.messages:12.2f}" for one in ways)
    lines.append(f"  {'more Lambda time, at most, apart':34}{more}")
    waits = "".join(f"{second_of_waiting(one.used) * 1e6 / one.messages:12.2f}" for one in ways)
    lines.append(f"  {'each second a receiver takes, apart':34}{waits}")
    return [*lines, "", *_verdicts(ways), "", *_fixed(), "", *_peers(), "", *_paces(ways[0])]


def _verdicts(ways: Sequence[Measured]) -> list[str]:
    smtp, http = ways
    checks = (
        ("SMTP, calls a message", smtp.calls, CALLS_TARGET),
        ("SMTP, write units a message", smtp.write_units, WRITES_TARGET),
        ("SMTP, dollars a million", sum(smtp.per_million().values()), SMTP_TARGET),
        ("HTTP in batches, dollars a million", sum(http.per_million().values()), HTTP_TARGET),
    )
    return [
        f"  {name:36}{value:8.2f}  target <= {most:4.1f}  {'met' if value <= most else 'MISSED'}"
        for name, value, most in checks
    ]


def _fixed() -> list[str]:
    rows = [f"  {name:70}{value:8.2f}" for name, value in prices.FIXED.items()]
    total = sum(prices.FIXED.values())
    return ["dollars a month, however little is sent", *rows, f"  {'sum':70}{total:8.2f}"]


def _peers() -> list[str]:
    rows = [
        f"  {name:34}{low:12,.0f}{'' if low == high else f' to {high:,.0f}'}"
        for name, (low, high) in prices.PEERS.items()
    ]
    return ["others, dollars a million", *rows]


def _paces(smtp: Measured) -> list[str]:
    model = model_of(smtp)
    lines = [
        "SMTP by rate: a model of the calls for each commit and batch, with the units and times measured above",
        f"{'messages/s':>12}{'a commit':>12}{'a batch':>12}{'calls':>12}{'$ a million':>14}",
    ]
    for pace in map(model.at, RATES):
        lines.append(
            f"{pace.rate:12,.0f}{pace.commit:12.1f}{pace.batch:12.1f}{pace.calls:12.2f}"
            f"{pace.dollars * 1e6:14.2f}"
        )
    return lines


def _mean_batch(used: Used) -> float:
    return sum(size for size, _ in used.batches) / max(1, len(used.batches))


def _people(count: int) -> list[str]:
    run_id = secrets.token_hex(4)
    return [f"{run_id}-{number}@cost{number % DOMAINS}.example.test" for number in range(count)]


def _text() -> str:
    line = "Lorem ipsum dolor sit amet, consectetur adipisci velit, sed quia non.\r\n"
    return line * (SIZE // len(line))


def _content(sender: str, rcpt: str) -> bytes:
    return f"From: {sender}\r\nTo: {rcpt}\r\nSubject: Cost\r\n\r\n{_text()}".encode()


def _client(stack: RunningStack, service: str) -> Any:
    return botocore.session.get_session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url=stack.facts["aws"],
        aws_access_key_id="posthorn",
        aws_secret_access_key="posthorn",  # noqa: S106  # opens nothing but the emulator on loopback
    )


def _limit_concurrency(stack: RunningStack) -> None:
    client = _client(stack, "lambda")
    name = stack.facts["functions"][DELIVERER]
    (mapping,) = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    client.update_event_source_mapping(
        UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": CONCURRENCY}
    )


def _lines(stack: RunningStack, function: str) -> list[str]:
    """A function's log so far, in the order of its streams."""
    pages = _client(stack, "logs").get_paginator("filter_log_events")
    group = f"/aws/lambda/{stack.facts['functions'][function]}"
    found = pages.paginate(logGroupName=group)
    return [event["message"].rstrip() for page in found for event in page["events"]]


def _settled(stack: RunningStack, before: dict[str, list[str]], messages: int) -> bool:
    """Whether the deliverer has logged all these messages, and a report for each batch."""
    used = Used()
    add_lines(used, _lines(stack, DELIVERER)[len(before[DELIVERER]) :], DELIVERER)
    logged = sum(size for size, _ in used.batches)
    return logged >= messages and used.invocations[DELIVERER] >= len(used.batches)


def _arrived(stack: RunningStack) -> int:
    time.sleep(0.5)
    return len(stack.get("/_local/inbox/messages?limit=1000"))


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when measured, 1 with one sentence when that was impossible."""
    parser = argparse.ArgumentParser(prog="python -m infra.cost", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000, help="of each way in, 1 to 1000")
    given = parser.parse_args(arguments)
    if not 1 <= given.messages <= 1_000:
        parser.error("--messages must be from 1 to 1000")
    if not EMULATOR_PYTHON.exists():
        print("posthorn: .venv-ministack is missing; make cost installs it", file=sys.stderr)
        return 1
    folder = Path(tempfile.mkdtemp(prefix="posthorn-cost-"))
    try:
        print("\n".join(report(run(given.messages, folder))))
    except (AssertionError, RuntimeError, OSError, smtplib.SMTPException) as error:
        print(f"posthorn: the measurement failed: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
