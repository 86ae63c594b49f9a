"""What Posthorn uses of AWS: every call counted by operation, with bytes and what DynamoDB and SQS bill by.

It counts calls as the program makes them; a call that the SDK repeats after a failure is one. Units are what DynamoDB
tells; where an endpoint is set, it is taken for an emulator, whose units are computed.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.aws.request_units import Units, reported_units

if TYPE_CHECKING:
    from chalicelib.adapters.aws.simulated_units import SimulatedUnits

SQS_REQUEST_BYTES = 65_536
_ASKING = "ReturnConsumedCapacity"
_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB")


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used since the last reset. Keys of `calls` are `service.Operation`; of a call to SQS, each 64 kB is one
    of `sqs_requests`."""

    calls: Mapping[str, int] = field(default_factory=dict)
    bytes_sent: int = 0
    bytes_received: int = 0
    write_units: float = 0.0
    read_units: float = 0.0
    sqs_requests: int = 0

    @property
    def total_calls(self) -> int:
        """All calls."""
        return sum(self.calls.values())

    def since(self, earlier: Usage) -> Usage:
        """What was used between two snapshots without a reset in between."""
        calls = {name: count - earlier.calls.get(name, 0) for name, count in self.calls.items()}
        return Usage(
            {name: count for name, count in calls.items() if count},
            self.bytes_sent - earlier.bytes_sent,
            self.bytes_received - earlier.bytes_received,
            self.write_units - earlier.write_units,
            self.read_units - earlier.read_units,
            self.sqs_requests - earlier.sqs_requests,
        )

    def fields(self) -> dict[str, Any]:
        """For a log line: `aws` calls by operation, `units` of DynamoDB, `bytes`; empty when nothing was used."""
        if not self.calls:
            return {}
        return {
            "aws": dict(self.calls),
            "units": {"write": round(self.write_units, 2), "read": round(self.read_units, 2)},
            "bytes": {"sent": self.bytes_sent, "received": self.bytes_received},
        }


class Meter:
    """Counts the calls of the sessions it is attached to, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._simulated: SimulatedUnits | None = None
        self._used = Usage()

    def attach(self, session: Any) -> None:
        """Watch every client that a botocore session makes from now on."""
        if self._simulated is None and any(os.environ.get(name) for name in _ENDPOINTS):
            from chalicelib.adapters.aws.simulated_units import SimulatedUnits

            self._simulated = SimulatedUnits()
        session.register("before-parameter-build", self._before)
        session.register("before-call", self._sending)
        session.register("after-call", self._after)

    def snapshot(self) -> Usage:
        """What was used since the last reset."""
        return self._used

    def reset(self) -> None:
        """Start counting anew; remembered images of items stay."""
        with self._lock:
            self._used = Usage()

    def _before(
        self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        shape = model.input_shape
        if self._simulated is None and shape is not None and _ASKING in shape.members:
            params[_ASKING] = "TOTAL"
        context["posthorn_sent"] = params

    def _sending(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        body = params.get("body") or b""
        if isinstance(body, io.BytesIO):  # what botocore makes of the bytes of an object
            body = body.getbuffer()
        known = isinstance(body, str | bytes | bytearray | memoryview)
        context["posthorn_bytes"] = len(body) if known else 0

    def _after(
        self,
        http_response: Any,
        parsed: dict[str, Any],
        model: Any,
        context: dict[str, Any],
        **_: Any,
    ) -> None:
        service = model.service_model.service_name
        name = f"{service}.{model.name}"
        sent = context.get("posthorn_sent") or {}
        size = context.get("posthorn_bytes", 0)
        received = int(http_response.headers.get("Content-Length") or 0)
        with self._lock:
            units = Units()
            if service == "dynamodb":
                count = self._simulated.units if self._simulated else reported_units
                units = count(model.name, sent, parsed)
            requests = max(1, -(-size // SQS_REQUEST_BYTES)) if service == "sqs" else 0
            used = self._used
            self._used = Usage(
                {**used.calls, name: used.calls.get(name, 0) + 1},
                used.bytes_sent + size,
                used.bytes_received + received,
                used.write_units + units.write,
                used.read_units + units.read,
                used.sqs_requests + requests,
            )
