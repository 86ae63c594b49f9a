"""Functions behind a queue: batches of wake-ups, and SQS's partial answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any

from chalicelib import bootstrap
from chalicelib.domain.delivery_job import parse_job
from chalicelib.domain.errors import Rejected
from chalicelib.domain.model import DeliveryJob
from functions.runtime import Notes, UnitOfWork, named, request_id_of, seconds_left


@dataclass(frozen=True, slots=True)
class QueueRecord:
    """One wake-up as the queue hands it over, for the `receives`th time. `job` is None when its text cannot be read."""

    id: str
    receipt: str
    job: DeliveryJob | None
    receives: int


@dataclass(frozen=True, slots=True)
class Invocation:
    """The records of one invocation. `seconds_left` says how long the function may still run; `notes` go to the log;
    `ended` is told the receipt of each record that is done with before the others are."""

    records: tuple[QueueRecord, ...]
    seconds_left: Callable[[], float]
    notes: Notes = field(default_factory=dict)
    ended: Callable[[str], None] = lambda _: None


InvocationHandler = Callable[[bootstrap.Posthorn, Invocation], Coroutine[Any, Any, Collection[str]]]


def on_batch(unit: str, handler: InvocationHandler) -> Callable[[Any], dict[str, Any]]:
    """Wrap `async handler(posthorn, batch) -> ids of the records to be handed out again` for `on_sqs_message`.

    An error that escapes the handler hands out the whole batch again. Returns SQS's partial batch answer. `unit` is the
    name under which the module keeps the registered handler: Chalice builds Lambda's handler string from it.
    """

    def handle(event: Any) -> dict[str, Any]:
        batch = _batch_of(event)
        again: Collection[str] = [record.id for record in batch.records]
        with UnitOfWork(unit, request_id_of(event.context), batch.notes, swallow=True):
            again = bootstrap.run(handler(bootstrap.posthorn(), batch))
        return {"batchItemFailures": [{"itemIdentifier": id} for id in again]}

    return named(handle, unit, handler)


def _batch_of(event: Any) -> Invocation:
    records = tuple(
        QueueRecord(
            id=record["messageId"],
            receipt=record["receiptHandle"],
            job=_job_of(record["body"]),
            receives=int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)),
        )
        for record in event.to_dict()["Records"]
    )
    return Invocation(records, seconds_left(event.context))


def _job_of(text: str) -> DeliveryJob | None:
    try:
        return parse_job(text)
    except Rejected:
        return None
