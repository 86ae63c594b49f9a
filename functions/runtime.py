"""What every handler is wrapped in: one unit of work, one structured log line, one place where errors end.

A handler is a coroutine function; the wrapper runs it on the process's background loop with the assembled program and
writes exactly one JSON line: unit, outcome, milliseconds, request id, the notes that the handler left and, when AWS
was called, the calls, request units and bytes used meanwhile. Lines hold no addresses, content or keys.
Chalice's middleware cannot do this: it does not run for event functions, which load their own module only.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from chalice.app import Blueprint, Request, Response

from chalicelib import bootstrap
from chalicelib.domain.errors import MailError, Rejected
from chalicelib.ports.clock import Clock
from functions.log_lines import log_as_json

if TYPE_CHECKING:
    from chalicelib.api.http import Fallback, HttpAnswer, HttpRequest, Operation
    from chalicelib.domain.model import DeliveryJob

Notes = dict[str, Any]
Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])
View = Callable[..., Response]
NOBODY_COUNTS = 900.0
DEEPEST_STACK = 8
# Emulators, whose streams have one shard, do not name it.
UNNAMED_SHARD = "only"


@dataclass(frozen=True, slots=True)
class QueueRecord:
    """One wake-up as the queue hands it over, for the `receives`th time. `job` is None when its text cannot be read."""

    id: str
    receipt: str
    job: DeliveryJob | None
    receives: int


@dataclass(frozen=True, slots=True)
class Invocation:
    """The records of one invocation. `seconds_left` says how long the function may still run; `notes` go to the log."""

    records: tuple[QueueRecord, ...]
    seconds_left: Callable[[], float]
    notes: Notes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StreamInvocation:
    """Records of one shard of a table's stream, in their order, as Lambda hands them over. `shard` names the shard."""

    shard: str
    records: tuple[Mapping[str, Any], ...]
    notes: Notes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScheduledEvent:
    """One firing of a schedule or one plain invocation."""

    event: Mapping[str, Any]
    seconds_left: Callable[[], float]
    notes: Notes = field(default_factory=dict)


log_as_json()

InvocationHandler = Callable[[bootstrap.Posthorn, Invocation], Coroutine[Any, Any, Collection[str]]]
StreamHandler = Callable[[bootstrap.Posthorn, StreamInvocation], Coroutine[Any, Any, str | None]]
ScheduleHandler = Callable[[bootstrap.Posthorn, ScheduledEvent], Coroutine[Any, Any, None]]


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


def on_schedule(unit: str, handler: ScheduleHandler) -> Callable[[Any], None]:
    """Wrap `async handler(posthorn, scheduled)` for `schedule`. Errors leave it, so that Lambda counts them.

    `unit` is the name under which the module keeps the registered handler, as for `on_batch`.
    """

    def handle(event: Any) -> None:
        scheduled = ScheduledEvent(event.to_dict(), _seconds_left(event.context))
        with UnitOfWork(unit, request_id_of(event.context), scheduled.notes):
            bootstrap.run(handler(bootstrap.posthorn(), scheduled))

    return named(handle, unit, handler)


def on_http(blueprint: Blueprint, unit: str, operation: Operation, failed: Fallback) -> View:
    """A view for `route` that runs an operation of `chalicelib.api`; `failed` answers what nobody foresaw."""

    def view(**path_values: str) -> Response:
        request = _http_request(blueprint.current_request, path_values)
        program = bootstrap.posthorn()
        answer = bootstrap.run(answer_http(program, unit, operation, failed, request))
        return Response(answer.body, dict(answer.headers), answer.status)

    return view


async def answer_http(
    program: bootstrap.Posthorn,
    unit: str,
    operation: Operation,
    failed: Fallback,
    request: HttpRequest,
) -> HttpAnswer:
    """The answer of an operation to a request, or that of `failed` when an error escapes it; one log line."""
    request.notes["status"] = 500
    answer: HttpAnswer | None = None
    with UnitOfWork(unit, request.request_id, request.notes, swallow=True, program=program):
        answer = await operation(program, request)
        request.notes["status"] = answer.status
    return answer or failed(request)


def named(handle: Wrapped, unit: str, handler: Callable[..., Any]) -> Wrapped:
    """The wrapper under its public name and in the module of its handler."""
    handle.__name__ = handle.__qualname__ = unit
    handle.__module__ = handler.__module__
    handle.__doc__ = handler.__doc__
    return handle


class UnitOfWork:
    """Times a block and writes its one log line. `notes` may grow until the end; `swallow` ends errors here.

    `program` is the one that works, the process's own unless it is given.
    """

    def __init__(
        self,
        unit: str,
        request_id: str,
        notes: Notes,
        swallow: bool = False,
        program: bootstrap.Posthorn | None = None,
    ) -> None:
        self._line: Notes = {"unit": unit, "outcome": "ok", "request_id": request_id}
        self._notes = notes
        self._swallow = swallow
        self._posthorn = program or bootstrap.posthorn()
        self._started = self._posthorn[Clock].monotonic()
        self._used = self._posthorn.meter.snapshot()

    def __enter__(self) -> UnitOfWork:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if error is not None:
            self._line |= _account_of(error)
        elapsed = self._posthorn[Clock].monotonic() - self._started
        line = self._line | {"ms": round(elapsed * 1000, 1)} | self._notes
        used = self._posthorn.meter.snapshot()
        write_line(line | used.since(self._used).fields())
        return self._swallow and isinstance(error, Exception)


def write_line(line: Mapping[str, Any]) -> None:
    """One JSON line on standard output, where Lambda and the local stack collect logs."""
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


def _account_of(error: BaseException) -> Notes:
    """What the log says of an error: code and fields of ours, class and place of anything unexpected."""
    if isinstance(error, MailError):
        cause = type(error.__cause__).__name__ if error.__cause__ else None
        return {**error.fields, "outcome": error.code, "cause": cause}
    frames = traceback.extract_tb(error.__traceback__)[-DEEPEST_STACK:]
    stack = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return {"outcome": "error", "error": type(error).__name__, "stack": stack}


def _http_request(event: Request, path_values: Mapping[str, str]) -> HttpRequest:
    """Chalice's request as a value of ours. The client's address is what the gateway saw, not what a header says."""
    from chalicelib.api.http import HttpRequest

    query = event.query_params
    return HttpRequest(
        method=event.method,
        path=str(event.context.get("path", event.path)),
        path_values=path_values,
        query={name: query.getlist(name) for name in query} if query else {},
        headers={name.lower(): value for name, value in event.headers.items()},
        body=event.raw_body if isinstance(event.raw_body, bytes) else event.raw_body.encode(),
        client_address=str(event.context.get("identity", {}).get("sourceIp", "")),
        request_id=str(event.context.get("requestId") or request_id_of(event.lambda_context)),
    )


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
    return Invocation(records, _seconds_left(event.context))


def _job_of(text: str) -> DeliveryJob | None:
    # Loaded here, because the functions without a queue would pay for it.
    from chalicelib.domain.delivery_job import parse_job

    try:
        return parse_job(text)
    except Rejected:
        return None


def _stream_batch_of(event: Mapping[str, Any]) -> StreamInvocation:
    return StreamInvocation(
        str(event.get("shardId") or UNNAMED_SHARD), tuple(event.get("Records", ()))
    )


def _seconds_left(context: Any) -> Callable[[], float]:
    """Lambda's own countdown, where there is one."""
    countdown = getattr(context, "get_remaining_time_in_millis", None)
    return (lambda: countdown() / 1000) if countdown else (lambda: NOBODY_COUNTS)


def request_id_of(context: Any) -> str:
    return str(getattr(context, "aws_request_id", "") or "")
