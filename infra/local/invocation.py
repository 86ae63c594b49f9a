"""Lambda's side of a handler call: the event that a function gets, its context, and how its answer is read.

Pure except for the countdown of a context. The shapes are those of the Lambda developer guide for SQS event sources
with `ReportBatchItemFailures`, for DynamoDB streams with a tumbling window, and of EventBridge for a schedule.
"""

from __future__ import annotations

import base64
import time
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chalicelib.config import Settings

# Of a delivering function, by default; crash rule 8.
TIMEOUT_SECONDS = float(Settings().lease_seconds)
MEMORY_MB = 512

Handler = Callable[[dict[str, Any], Any], Any]


@dataclass(frozen=True, slots=True)
class Context:
    """The part of Lambda's context object that handlers may use."""

    function_name: str
    timeout: float = TIMEOUT_SECONDS
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = MEMORY_MB
    started: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.timeout - (time.monotonic() - self.started)) * 1000))


def sqs_event(messages: Sequence[Mapping[str, Any]], queue_arn: str, region: str) -> dict[str, Any]:
    """What Lambda makes of messages as `ReceiveMessage` returned them (all attributes asked for)."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": dict(message.get("Attributes", {})),
                "messageAttributes": dict(message.get("MessageAttributes", {})),
                "md5OfBody": message.get("MD5OfBody", ""),
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn,
                "awsRegion": region,
            }
            for message in messages
        ]
    }


def stream_event(
    records: Sequence[Mapping[str, Any]], shard: str, stream_arn: str, region: str
) -> dict[str, Any]:
    """What Lambda makes of records of one shard as `GetRecords` returned them; the source has a window of a minute."""
    begun = _plain(records[0]["dynamodb"]["ApproximateCreationDateTime"]) // 60 * 60
    more = {"eventSource": "aws:dynamodb", "eventSourceARN": stream_arn, "awsRegion": region}
    return {
        "Records": [{**_plain(record), **more} for record in records],
        "window": {"start": _moment(begun), "end": _moment(begun + 60)},
        "state": {},
        "shardId": shard,
        "eventSourceARN": stream_arn,
        "isFinalInvokeForWindow": False,
        "isWindowTerminatedEarly": False,
    }


def _plain(value: Any) -> Any:
    """A value of boto's as JSON has it: times in epoch seconds, bytes in base64."""
    if isinstance(value, Mapping):
        return {name: _plain(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    if isinstance(value, datetime):
        return value.timestamp()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def schedule_event(name: str, now: float, region: str) -> dict[str, Any]:
    """What an EventBridge rule of this name sends when it fires."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": _moment(now),
        "region": region,
        "resources": [f"arn:aws:events:{region}:000000000000:rule/{name}"],
        "detail": {},
    }


def _moment(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def failed_of(
    handler: Handler, event: dict[str, Any], context: Context, ids: Sequence[str]
) -> set[str]:
    """Invoke the handler; the ids of the batch that it hands back: all of them when it fails, as in Lambda."""
    try:
        return failed_ids(handler(event, context), ids)
    except Exception:  # a handler may fail in any way
        traceback.print_exc()
        return set(ids)


def failed_ids(answer: object, ids: Sequence[str]) -> set[str]:
    """Which of the batch's ids go back to the queue. As Lambda does, an unreadable or foreign answer fails them all."""
    if answer is None:
        return set()
    failures = (answer.get("batchItemFailures") or []) if isinstance(answer, Mapping) else None
    if not isinstance(failures, list):
        return set(ids)
    found = {one.get("itemIdentifier") if isinstance(one, Mapping) else None for one in failures}
    return {id for id in ids if id in found} if found <= set(ids) else set(ids)
