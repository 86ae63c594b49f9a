"""Functions behind the stream of a table: batches of its records, shard by shard."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib import bootstrap
from functions.runtime import Notes, UnitOfWork, named, request_id_of

# Emulators, whose streams have one shard, do not name it.
UNNAMED_SHARD = "only"


@dataclass(frozen=True, slots=True)
class StreamInvocation:
    """Records of one shard of a table's stream, in their order, as Lambda hands them over. `shard` names the shard."""

    shard: str
    records: tuple[Mapping[str, Any], ...]
    notes: Notes = field(default_factory=dict)


StreamHandler = Callable[[bootstrap.Posthorn, StreamInvocation], Coroutine[Any, Any, str | None]]


def on_stream(unit: str, handler: StreamHandler) -> Callable[[Any], dict[str, Any]]:
    """Wrap `async handler(posthorn, batch) -> number of the first record to be handed out again, or None` for
    `on_dynamodb_record`.

    An error leaves it, and Lambda hands out the whole batch again: not every emulator reads a partial answer. The empty
    state is what a source with a window must be answered with; the window makes Lambda name the shard (ADR 19).
    """

    def handle(event: Any) -> dict[str, Any]:
        batch = _stream_batch_of(event.to_dict())
        with UnitOfWork(unit, request_id_of(event.context), batch.notes):
            again = bootstrap.run(handler(bootstrap.posthorn(), batch))
        failures = [] if again is None else [{"itemIdentifier": again}]
        return {"batchItemFailures": failures, "state": {}}

    return named(handle, unit, handler)


def _stream_batch_of(event: Mapping[str, Any]) -> StreamInvocation:
    return StreamInvocation(
        str(event.get("shardId") or UNNAMED_SHARD), tuple(event.get("Records", ()))
    )
