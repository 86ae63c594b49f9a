"""Which handler is fed by which queue, found in the backend by name, and which by a schedule: event source
mappings and rules of the local stack."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from infra.local.invocation import Handler


@dataclass(frozen=True, slots=True)
class EventSource:
    """A kind of queue: the handler that it feeds as `module:attribute`, and the most messages of one invocation.

    `queues` is how their names begin after the installation's prefix; empty for dead letter queues, which are those
    that another queue names in its redrive policy, whatever they are called.
    """

    handler: str
    queues: str
    batch: int


SOURCES = (
    EventSource("functions.deliver:deliver", "deliver-", 50),
    EventSource("functions.incoming:incoming", "incoming", 50),
    EventSource("functions.webhooks:webhooks", "webhooks", 10),
    EventSource("functions.webhooks:webhooks_slow", "webhooks-slow", 10),
    EventSource("functions.jobs:jobs_woken", "jobs", 10),
    EventSource("functions.deadletters:deadletters", "", 10),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A handler that a rule fires by the clock; `every` and `timeout` are seconds, as functions.merge.yaml has them.

    `once_moved` stands in for `every` when the clock has been moved, if it is not 0: who moves it waits for what
    becomes due next.
    """

    name: str
    handler: str
    every: float
    timeout: float
    once_moved: float = 0.0


SCHEDULES = (
    Schedule("sweep", "functions.sweep:sweep", 60.0, 60.0, once_moved=3.0),
    Schedule("jobs", "functions.jobs:jobs", 5.0, 90.0),
    Schedule("index", "functions.index:index", 60.0, 600.0),
    Schedule("upkeep", "functions.upkeep:upkeep", 3_600.0, 900.0),
)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue that feeds a handler, with the most messages of one invocation."""

    name: str
    url: str
    arn: str
    handler: Handler
    batch: int


def find_queues(
    sqs: Any, prefix: str, sources: Sequence[EventSource] = SOURCES
) -> dict[str, Queue]:
    """The queues with this name prefix that feed a handler, by URL: a new pool's is picked up without a restart."""
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix)
    queues = {
        url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        for page in pages
        for url in page.get("QueueUrls", [])
    }
    dead = {
        json.loads(attributes.get("RedrivePolicy") or "{}").get("deadLetterTargetArn")
        for attributes in queues.values()
    }
    found = {}
    for url, attributes in queues.items():
        arn = attributes["QueueArn"]
        name = arn.rpartition(":")[2]
        kind = "" if arn in dead else name.removeprefix(prefix)
        for source in sources:
            if kind.startswith(source.queues) if source.queues else not kind:
                found[url] = Queue(name, url, arn, resolve_name(source.handler), source.batch)
    return found
