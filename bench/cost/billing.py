"""What a number of messages cost on AWS, from the log lines of functions and gateway, and how that moves with the rate.

Pure: text and numbers in, numbers out. A function's line says which calls, request units and bytes it used
(`functions/runtime.py`), Lambda's REPORT line what is billed. What nobody logs is Lambda's own work on a queue: one
receive and one delete for each ten messages of a batch.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bench.cost import prices

REPORT = re.compile(r"^REPORT .*?Billed Duration: ([\d.]+) ms\s+Memory Size: (\d+) MB", re.DOTALL)
QUEUE_CALL_MESSAGES = 10
MEMORY_GB = 1024
WHOLE_CORE_MB = 1769
# Of each batch: what is stored of events, and looked at of the server, its packs and its webhooks.
LIST_CALLS = 3
OUTBOX_READ_UNITS = 3.0


@dataclass(slots=True)
class Used:
    """What was used. `gb_seconds` and `invocations` by function; `calls` by `service.Operation`."""

    calls: Counter[str] = field(default_factory=Counter)
    write_units: float = 0.0
    read_units: float = 0.0
    sent: int = 0
    received: int = 0
    http_requests: int = 0
    log_bytes: int = 0
    invocations: Counter[str] = field(default_factory=Counter)
    milliseconds: Counter[str] = field(default_factory=Counter)
    gb_seconds: dict[str, float] = field(default_factory=dict)
    batches: list[tuple[int, float]] = field(default_factory=list)

    @property
    def total_calls(self) -> int:
        """Calls to services, Lambda's own on the queues included."""
        return sum(self.calls.values())

    def add(self, other: Used) -> None:
        """Count what another has counted too."""
        self.calls.update(other.calls)
        self.write_units += other.write_units
        self.read_units += other.read_units
        self.sent += other.sent
        self.received += other.received
        self.http_requests += other.http_requests
        self.log_bytes += other.log_bytes
        self.invocations.update(other.invocations)
        self.milliseconds.update(other.milliseconds)
        for function, used in other.gb_seconds.items():
            self.gb_seconds[function] = self.gb_seconds.get(function, 0.0) + used
        self.batches.extend(other.batches)

    def add_line(self, line: str, function: str = "") -> None:
        """Count one line of a log; `function` is whose it is, "" for the gateway's, which nobody bills by the byte."""
        if function:
            self.log_bytes += len(line.encode()) + 27  # what CloudWatch adds to each event
            if report := REPORT.match(line):
                self.add_invocation(function, float(report[1]), int(report[2]))
                return
        if not line.startswith("{"):
            return
        try:
            said = json.loads(line)
        except ValueError:
            return
        self._add_usage(said)
        if function and "records" in said:
            self._add_batch(said)

    def add_invocation(self, function: str, milliseconds: float, megabytes: int) -> None:
        """One invocation that is billed for so long."""
        self.invocations[function] += 1
        self.milliseconds[function] += round(milliseconds)
        seconds = milliseconds / 1000
        used = seconds * megabytes / MEMORY_GB
        self.gb_seconds[function] = self.gb_seconds.get(function, 0.0) + used

    def _add_usage(self, said: Mapping[str, object]) -> None:
        calls, units, size = (said.get(name) for name in ("aws", "units", "bytes"))
        if isinstance(calls, dict):
            self.calls.update(calls)
        if isinstance(units, dict):
            self.write_units += units["write"]
            self.read_units += units["read"]
        if isinstance(size, dict):
            self.sent += size["sent"]
            self.received += size["received"]

    def _add_batch(self, said: Mapping[str, object]) -> None:
        records = int(str(said["records"]))
        calls = math.ceil(records / QUEUE_CALL_MESSAGES)
        self.calls["sqs.ReceiveMessage"] += calls
        self.calls["sqs.DeleteMessageBatch"] += calls
        self.batches.append((records, float(str(said["ms"]))))


def add_lines(used: Used, lines: Iterable[str], function: str = "") -> None:
    """Count all lines of a log."""
    for line in lines:
        used.add_line(line, function)


def dollars(used: Used, architecture: str = "x86_64") -> dict[str, float]:
    """What it costs, by service."""
    by_service: Counter[str] = Counter()
    for name, count in used.calls.items():
        by_service[name.partition(".")[0]] += count
    seconds = sum(used.gb_seconds.values())
    return {
        "API Gateway": used.http_requests * prices.REST_REQUEST,
        "Lambda requests": sum(used.invocations.values()) * prices.LAMBDA_REQUEST,
        "Lambda time": seconds * prices.LAMBDA_GB_SECOND[architecture],
        "S3": used.calls["s3.PutObject"] * prices.S3_PUT
        + used.calls["s3.GetObject"] * prices.S3_GET,
        "SQS": by_service["sqs"] * prices.SQS_CALL,
        "DynamoDB writes": used.write_units * prices.WRITE_UNIT,
        "DynamoDB reads": used.read_units * prices.READ_UNIT,
        "KMS": by_service["kms"] * prices.KMS_CALL,
        "CloudWatch Logs": used.log_bytes / prices.GB * prices.LOG_GB,
    }


def slower(used: Used, architecture: str = "x86_64") -> float:
    """Dollars more if functions only computed: below 1,769 MB one gets that share of a core, here it had a whole."""
    more = 0.0
    for function, milliseconds in used.milliseconds.items():
        if milliseconds:
            gigabytes = used.gb_seconds[function] / (milliseconds / 1000)
            share = min(1.0, gigabytes * MEMORY_GB / WHOLE_CORE_MB)
            more += used.gb_seconds[function] * (1 / share - 1)
    return more * prices.LAMBDA_GB_SECOND[architecture]


def second_of_waiting(used: Used, architecture: str = "x86_64", gigabytes: float = 0.5) -> float:
    """Dollars more for each second that the slowest receiver of a batch takes; the one on loopback took none."""
    return len(used.batches) * gigabytes * prices.LAMBDA_GB_SECOND[architecture]


@dataclass(frozen=True, slots=True)
class Pace:
    """How traffic of one rate is batched, and what a message costs then."""

    rate: float
    commit: float
    batch: float
    calls: float
    dollars: float


@dataclass(frozen=True, slots=True)
class Model:
    """Cost of one message by SMTP as a function of the rate.

    `write_units`, `read_units`: a message's, measured, without leases and what the outbox takes. `batch_ms`,
    `message_ms`: a delivering invocation's time is the first plus the second for each message. The other fields are how
    the gateway and Lambda gather: a commit takes what comes in `commit_seconds` or 64 messages, a poller what comes in
    its window or 50, and the outbox what comes in `counted_seconds` or 500 messages (two changes each), for three
    counters, a pack of groups, an item of the list of events, and a look at the webhooks.
    """

    write_units: float
    read_units: float
    batch_ms: float
    message_ms: float
    memory_gb: float = 0.5
    log_bytes: float = 400.0
    commit_seconds: float = 0.02
    window_seconds: float = 1.0
    pollers: int = 5
    largest_commit: int = 64
    largest_batch: int = 50
    counted_seconds: float = 5.0
    largest_count: int = 500
    counters: int = 4

    def at(self, rate: float) -> Pace:
        """A message's cost at `rate` messages a second."""
        commit = min(max(1.0, rate * self.commit_seconds), self.largest_commit)
        batch = min(max(1.0, rate * self.window_seconds / self.pollers), self.largest_batch)
        return self.with_sizes(rate, commit, batch)

    def with_sizes(self, rate: float, commit: float, batch: float) -> Pace:
        """A message's cost when `commit` messages are stored and `batch` delivered together."""
        puts = 1 / commit
        gets = max(1 / batch, 1 / commit) if batch > 1 else 1.0
        queue = math.ceil(commit / QUEUE_CALL_MESSAGES) / commit
        queue += 2 * math.ceil(batch / QUEUE_CALL_MESSAGES) / batch
        # Blocks of numbers and of the send limit: one of each in ten seconds at most.
        leases = 2 * min(1.0, 0.1 / rate)
        together = min(max(1.0, rate * self.counted_seconds), self.largest_count)
        counters = self.counters / together
        listed = list_units(together) / together
        # Put, claim and finish; servers and suppressions once for each batch.
        # The bytes of each object are counted.
        tables = 3 + 2 / batch + puts + leases + counters + LIST_CALLS / together
        milliseconds = self.batch_ms / batch + self.message_ms
        price = (
            puts * prices.S3_PUT
            + gets * prices.S3_GET
            + queue * prices.SQS_CALL
            + (self.write_units + puts + leases + counters + listed) * prices.WRITE_UNIT
            + (self.read_units + OUTBOX_READ_UNITS / together) * prices.READ_UNIT
            + prices.LAMBDA_REQUEST / batch
            + prices.LAMBDA_REQUEST / together
            + milliseconds / 1000 * self.memory_gb * prices.LAMBDA_GB_SECOND["x86_64"]
            + self.log_bytes / prices.GB * prices.LOG_GB
        )
        return Pace(rate, commit, batch, puts + gets + queue + tables, price)


def list_units(events: float) -> int:
    """Write units of the list of events of a server, of a batch with so many."""
    return next(
        (units for most, units in prices.EVENT_LIST_UNITS.items() if events <= most),
        prices.EVENT_LIST_UNITS[max(prices.EVENT_LIST_UNITS)],
    )


def fit(batches: Iterable[tuple[int, float]]) -> tuple[float, float]:
    """Least squares: milliseconds of a batch itself, and of each message in it; neither below zero."""
    points = list(batches)
    if not points:
        return 0.0, 0.0
    mean_size = sum(size for size, _ in points) / len(points)
    mean_time = sum(time for _, time in points) / len(points)
    spread = sum((size - mean_size) ** 2 for size, _ in points)
    if spread == 0:
        return 0.0, mean_time / mean_size
    slope = sum((size - mean_size) * (time - mean_time) for size, time in points) / spread
    slope = min(max(0.0, slope), mean_time / mean_size)
    return max(0.0, mean_time - slope * mean_size), slope
