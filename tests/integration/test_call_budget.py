"""The price of a message on its whole way, in AWS calls and DynamoDB units: it must not rise."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bench.cost.billing import Model
from bench.whole_path import BATCH, COMMIT, SIZE, Spent, whole_path
from tests.aws_backend import Backend, aws_backend

__all__ = ["aws_backend"]
# In one worker, so that the mail is sent once.
pytestmark = [pytest.mark.aws, pytest.mark.xdist_group("budget")]

SMTP_CALLS, HTTP_CALLS, WRITE_UNITS, READ_UNITS = 3.6, 7.5, 4.1, 1.6
BATCH_CALLS = 3.6
# Three slots, and three more when a minute ends, for a batch of 300 changes, which are 150 messages.
COUNTING_CALLS = 0.065  # counters, groups, the list of events and the index
COUNTING_UNITS = 0.08
COUNTING_READS = 0.02
# Number blocks expire after ten seconds: a slow machine leases a few more, for each message of few the more.
LEASES, MOST_LEASES = 0.05, 6
# What is known of tenants is read again after thirty seconds, however few messages came: pool rules by two queries.
CONFIGURATION = 5.0


@dataclass(frozen=True, slots=True)
class Mail:
    """What mail by SMTP and HTTP cost, and what counting the first cost, once and again."""

    smtp: Spent
    http: Spent
    counted: Spent
    again: Spent


@pytest.fixture(scope="module")
def mail(aws_backend: Backend) -> Mail:
    with whole_path(aws_backend.settings()) as path:
        path.count()
        smtp = path.by_smtp(9 * COMMIT)
        counted = path.count(smtp.messages)
        again = path.count(smtp.messages)
        return Mail(smtp, path.by_http(20), counted, again)


def calls_of(spent: Spent, *operations: str) -> float:
    """Calls of these operations a message."""
    return sum(spent.usage.calls.get(name, 0) for name in operations) / spent.messages


def test_a_message_costs_no_more_than_its_budget(mail: Mail) -> None:
    smtp, http = mail.smtp, mail.http
    for spent in (smtp, http):
        assert calls_of(spent, "dynamodb.PutItem") == 1
        # The bytes of each object are counted by one.
        puts = calls_of(spent, "s3.PutObject")
        leases = max(LEASES, MOST_LEASES / spent.messages)
        assert calls_of(spent, "dynamodb.UpdateItem") <= 2.1 + puts + leases
        assert spent.write_units <= WRITE_UNITS + puts + leases
        assert spent.usage.read_units <= READ_UNITS * spent.messages + CONFIGURATION
    assert calls_of(smtp, "s3.PutObject") == 1 / COMMIT
    # Here neighbours stay together in the queue; where they do not, each message of a batch may cost one read.
    assert calls_of(smtp, "s3.GetObject") <= 0.1
    assert calls_of(http, "s3.GetObject") == 1
    assert calls_of(smtp, "sqs.SendMessageBatch") <= 7 / COMMIT
    assert smtp.calls <= SMTP_CALLS + LEASES
    assert calls_of(http, "s3.PutObject", "sqs.SendMessageBatch") == 2
    assert http.calls <= HTTP_CALLS + (MOST_LEASES + CONFIGURATION) / http.messages
    assert smtp.usage.bytes_sent / smtp.messages > SIZE


def test_counting_what_happened_costs_next_to_nothing(mail: Mail) -> None:
    counted, again = mail.counted, mail.again
    assert 0 < counted.calls <= COUNTING_CALLS
    assert counted.write_units <= COUNTING_UNITS
    assert counted.usage.read_units <= COUNTING_READS * counted.messages
    assert mail.smtp.write_units + counted.write_units <= WRITE_UNITS + LEASES
    assert again.calls == 0  # counters change too, and nobody is woken for them


def test_a_batch_over_http_costs_little_more_than_smtp(aws_backend: Backend) -> None:
    with whole_path(aws_backend.settings()) as path:
        batches = path.by_http_batches(3)
    assert calls_of(batches, "dynamodb.PutItem") == 1
    assert calls_of(batches, "dynamodb.UpdateItem") <= 2.1 + LEASES
    assert calls_of(batches, "s3.PutObject") == 1 / BATCH
    assert calls_of(batches, "sqs.SendMessageBatch") <= 5 / BATCH
    assert batches.calls <= BATCH_CALLS + LEASES
    assert batches.write_units <= WRITE_UNITS + LEASES
    assert batches.usage.read_units <= READ_UNITS * batches.messages + CONFIGURATION


def test_the_model_of_the_rate_counts_what_the_meter_counts(mail: Mail) -> None:
    together, alone = mail.smtp, mail.http
    model = Model(together.write_units, together.usage.read_units / together.messages, 0, 0)
    assert model.with_sizes(1_000, COMMIT, BATCH).calls == pytest.approx(together.calls, rel=0.05)
    # One request after the other, but delivered together.
    assert model.with_sizes(10, 1, 20).calls == pytest.approx(alone.calls, rel=0.1)
