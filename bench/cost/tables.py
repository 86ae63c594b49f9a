"""What `make cost` measured, as tables for people and as one JSON object for machines.

Counts and prices come from `bench/cost/billing.py`; nothing here measures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.cost import prices
from bench.cost.billing import Model, Used, dollars, fit, second_of_waiting, slower

SIZE = 20_000
HTTP_BATCH = 50
RATES = (1, 3, 10, 30, 100, 300, 1_000)
API, DELIVERER, COUNTER = "Api", "DeliverDefault", "Outbox"
POSTERS = ("Webhooks", "WebhooksSlow")


@dataclass(frozen=True, slots=True)
class Measured:
    """What `messages` messages of one way in have used; `counting` is the part of it that the outbox took, with
    statistics, the list of events, and what is stored for webhooks."""

    way: str
    messages: int
    used: Used
    counting: Used

    def a_message(self, total: float) -> float:
        """A sum by message."""
        return total / self.messages

    @property
    def calls(self) -> float:
        """AWS calls a message."""
        return self.a_message(self.used.total_calls)

    @property
    def write_units(self) -> float:
        """DynamoDB write units a message."""
        return self.a_message(self.used.write_units)

    @property
    def per_million(self) -> dict[str, float]:
        """Dollars by service."""
        return {name: self.a_message(sum_ * 1e6) for name, sum_ in dollars(self.used).items()}

    @property
    def apart(self) -> dict[str, float]:
        """Dollars a million that are not in the sum."""
        return {
            "data out": SIZE * 1e6 / prices.GB * prices.DATA_OUT_GB,
            "more Lambda time, at most": self.a_message(slower(self.used) * 1e6),
            "each second a receiver takes": self.a_message(second_of_waiting(self.used) * 1e6),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target and what was reached."""

    name: str
    value: float
    most: float

    @property
    def is_met(self) -> bool:
        """Whether the figure is not above its target."""
        return self.value <= self.most


Figure = tuple[str, Callable[[Measured], float]]
FIGURES: tuple[Figure, ...] = (
    ("AWS calls", lambda one: one.calls),
    ("DynamoDB write units", lambda one: one.write_units),
    ("  of these by the outbox", lambda one: one.a_message(one.counting.write_units)),
    ("DynamoDB read units", lambda one: one.a_message(one.used.read_units)),
    ("bytes sent to AWS", lambda one: one.a_message(one.used.sent)),
    ("bytes got from AWS", lambda one: one.a_message(one.used.received)),
    ("Api, billed ms", lambda one: one.a_message(one.used.milliseconds[API])),
    ("Deliver, billed ms", lambda one: one.a_message(one.used.milliseconds[DELIVERER])),
    ("Outbox, billed ms", lambda one: one.a_message(one.used.milliseconds[COUNTER])),
    ("Webhooks, billed ms", lambda one: one.a_message(_posting(one.used))),
    ("messages a delivery batch", lambda one: _mean_batch(one.used)),
)


def verdicts(smtp: Measured, http: Measured) -> tuple[Verdict, ...]:
    """The targets of this project, and where it stands."""
    return (
        Verdict("SMTP, calls a message", smtp.calls, 4.5),
        Verdict("SMTP, write units a message", smtp.write_units, 4.1),
        Verdict("SMTP, dollars a million", sum(smtp.per_million.values()), 5.0),
        Verdict("HTTP in batches, dollars a million", sum(http.per_million.values()), 9.0),
    )


def model_of(measured: Measured) -> Model:
    """The model of the rate, with what was measured by SMTP."""
    used, messages = measured.used, measured.messages
    batch_ms, message_ms = fit(used.batches)
    # Claim and finish are two updates a message; of the others, each leases a block of numbers for one unit.
    updates = used.calls["dynamodb.UpdateItem"] - measured.counting.calls["dynamodb.UpdateItem"]
    leases = updates - 2 * messages
    written = used.write_units - measured.counting.write_units - max(0, leases)
    return Model(
        write_units=written / messages,
        read_units=(used.read_units - measured.counting.read_units) / messages,
        batch_ms=batch_ms,
        message_ms=message_ms,
        log_bytes=used.log_bytes / messages,
    )


def as_json(smtp: Measured, http: Measured, webhook: Measured) -> dict[str, Any]:
    """Everything in the tables; dollars are by million messages, but `fixed` and `by_use`, which are by month."""
    ways = (smtp, http, webhook)
    return {
        "messages": smtp.messages,
        "size": SIZE,
        "prices": prices.DATE,
        "ways": {
            one.way: {
                "calls": {name: one.a_message(count) for name, count in one.used.calls.items()},
                "figures": {name.strip(): value(one) for name, value in FIGURES},
                "dollars": one.per_million,
                "sum": sum(one.per_million.values()),
                "apart": one.apart,
            }
            for one in ways
        },
        "targets": [asdict(one) | {"met": one.is_met} for one in verdicts(smtp, http)],
        "event_at_a_webhook": event(http, webhook),
        "fixed": prices.FIXED,
        "by_use": prices.BY_USE,
        "others": prices.PEERS,
        "by_rate": [asdict(model_of(smtp).at(rate)) for rate in RATES],
    }


def event(http: Measured, webhook: Measured) -> dict[str, float]:
    """What an event at a webhook adds to a message by HTTP: units, calls, and dollars a million."""

    def more(value: Callable[[Measured], float]) -> float:
        return value(webhook) - value(http)

    return {
        "AWS calls": more(lambda one: one.calls),
        "DynamoDB write units": more(lambda one: one.write_units),
        "DynamoDB read units": more(lambda one: one.a_message(one.used.read_units)),
        "billed ms": more(lambda one: one.a_message(_posting(one.used))),
        "dollars a million": more(lambda one: sum(one.per_million.values())),
    }


def tables(smtp: Measured, http: Measured, webhook: Measured) -> list[str]:
    """The lines for people."""
    ways = (smtp, http, webhook)
    parts = [
        _head(smtp),
        _counts(ways),
        _bill(ways),
        _event(http, webhook),
        _targets(smtp, http),
        _fixed(),
        _peers(),
        _paces(smtp),
    ]
    return [line for part in parts for line in (*part, "")][:-1]


def _head(smtp: Measured) -> list[str]:
    return [
        f"A million messages of {SIZE / 1000:.0f} kB, one recipient, measured with"
        f" {smtp.messages:,} each on the deployed functions",
        f"prices of {prices.DATE}: {prices.SOURCE}",
        f"HTTP: {HTTP_BATCH} messages a request; webhook: the same, with one that is told of each delivery",
    ]


def _counts(ways: Sequence[Measured]) -> list[str]:
    names = sorted({name for one in ways for name in one.used.calls})
    calls = [
        _row(name, [one.a_message(one.used.calls[name]) for one in ways], digits=3)
        for name in names
    ]
    return [
        _title("a message", ways),
        *calls,
        *(_row(name, list(map(value, ways))) for name, value in FIGURES),
    ]


def _bill(ways: Sequence[Measured]) -> list[str]:
    bills = [one.per_million for one in ways]
    return [
        _title("dollars a million", ways),
        *(_row(name, [bill[name] for bill in bills]) for name in bills[0]),
        _row("sum", [sum(bill.values()) for bill in bills]),
        *(_row(f"{name}, apart", [one.apart[name] for one in ways]) for name in ways[0].apart),
    ]


def _event(http: Measured, webhook: Measured) -> list[str]:
    return [
        "an event at a webhook that takes it at once, beside its message by HTTP",
        *(_row(name, [value]) for name, value in event(http, webhook).items()),
    ]


def _targets(smtp: Measured, http: Measured) -> list[str]:
    return [
        f"  {one.name:36}{one.value:8.2f}  target <= {one.most:4.1f}"
        f"  {'met' if one.is_met else 'MISSED'}"
        for one in verdicts(smtp, http)
    ]


def _fixed() -> list[str]:
    rows = [f"  {name:70}{value:8.2f}" for name, value in prices.FIXED.items()]
    total = sum(prices.FIXED.values())
    by_use = [f"  {name:70}{value:8.2f}" for name, value in prices.BY_USE.items()]
    return [
        "dollars a month, however little is sent",
        *rows,
        f"  {'sum':70}{total:8.2f}",
        "dollars a month for what there is",
        *by_use,
    ]


def _peers() -> list[str]:
    rows = [
        f"  {name:34}{low:12,.0f}{'' if low == high else f' to {high:,.0f}'}"
        for name, (low, high) in prices.PEERS.items()
    ]
    return ["others, dollars a million", *rows]


def _paces(smtp: Measured) -> list[str]:
    model = model_of(smtp)
    return [
        "SMTP by rate: a model of the calls for each commit and batch, with the units and times measured above",
        f"{'messages/s':>12}{'a commit':>12}{'a batch':>12}{'calls':>12}{'$ a million':>14}",
        *(
            f"{pace.rate:12,.0f}{pace.commit:12.1f}{pace.batch:12.1f}{pace.calls:12.2f}"
            f"{pace.dollars * 1e6:14.2f}"
            for pace in map(model.at, RATES)
        ),
    ]


def _title(text: str, ways: Sequence[Measured]) -> str:
    return f"{text:36}" + "".join(f"{one.way:>12}" for one in ways)


def _row(name: str, values: Sequence[float], digits: int = 2) -> str:
    return f"  {name:34}" + "".join(f"{value:12.{digits}f}" for value in values)


def _posting(used: Used) -> float:
    return sum(used.milliseconds[name] for name in POSTERS)


def _mean_batch(used: Used) -> float:
    return sum(size for size, _ in used.batches) / max(1, len(used.batches))
