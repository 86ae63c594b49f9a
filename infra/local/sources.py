"""Which handler is fed by which queue: the event source mappings of the local stack.

The queues are found in the backend by name, so a new pool's queue is picked up without a restart. A queue that another
one names in its redrive policy is a dead letter queue, whatever it is called.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Handler = Callable[[dict[str, Any], Any], Any]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A queue, the handler that it feeds, and the most messages of one invocation."""

    name: str
    url: str
    arn: str
    handler: Handler
    batch: int


@dataclass(frozen=True, slots=True)
class HandlerName:
    """`module:attribute` of a handler of the app; the queues it takes come from `queues`."""

    text: str
    queues: str  # name after the installation's prefix; "" for dead letter queues
    batch: int


HANDLERS = (
    HandlerName("functions.deliver:deliver", "deliver-", 50),
    HandlerName("functions.deadletters:deadletters", "", 10),
)
SWEEP = "functions.sweep:sweep"


def load(text: str) -> Handler | None:
    """The handler of `module:attribute`; None when the app has no such module. Other import errors are raised."""
    module_name, _, attribute = text.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and module_name.startswith(error.name):
            return None
        raise
    handler: Handler = getattr(module, attribute)
    return handler


def find_sources(
    sqs: Any, prefix: str, handlers: tuple[HandlerName, ...] = HANDLERS
) -> dict[str, Mapped]:
    """The queues with this name prefix that have a handler, by URL."""
    queues = dict(_queues(sqs, prefix))
    dead = {_redrive_target(attributes) for attributes in queues.values()} - {None}
    found: dict[str, Mapped] = {}
    for url, attributes in queues.items():
        arn = attributes["QueueArn"]
        name = arn.rpartition(":")[2]
        kind = "" if arn in dead else name.removeprefix(prefix)
        for entry in handlers:
            fits = kind == "" if entry.queues == "" else kind.startswith(entry.queues)
            if fits and (handler := load(entry.text)) is not None:
                found[url] = Mapped(name, url, arn, handler, entry.batch)
    return found


def _queues(sqs: Any, prefix: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix)
    for page in pages:
        for url in page.get("QueueUrls", []):
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
            yield url, answer["Attributes"]


def _redrive_target(attributes: Mapping[str, str]) -> str | None:
    policy = attributes.get("RedrivePolicy")
    if not policy:
        return None
    target: str | None = json.loads(policy).get("deadLetterTargetArn")
    return target
