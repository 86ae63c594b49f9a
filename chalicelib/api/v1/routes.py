"""The v1 actions by path, and what is answered everywhere else below /api/v1."""

from __future__ import annotations

from chalicelib.api.http import Operation
from chalicelib.api.v1.envelope import not_found, operation
from chalicelib.api.v1.messages import deliveries, message
from chalicelib.api.v1.send import send_message, send_raw

METHODS = ("GET", "POST", "PUT", "PATCH")
OTHER_METHODS = ("DELETE", "HEAD", "OPTIONS")
ELSEWHERE = "/api/v1/{controller}/{action}"

ACTIONS: dict[str, Operation] = {
    "/api/v1/send/message": operation(send_message, "emails:send"),
    "/api/v1/send/raw": operation(send_raw, "emails:send"),
    "/api/v1/messages/message": operation(message, "emails:read"),
    "/api/v1/messages/deliveries": operation(deliveries, "emails:read"),
}


def routes() -> list[tuple[str, str, tuple[str, ...], Operation]]:
    """(name in the log, path, methods, operation) of everything below /api/v1."""
    known = [(path, METHODS, action) for path, action in ACTIONS.items()]
    wrong = [(path, OTHER_METHODS, not_found) for path in ACTIONS]
    everything = [*known, *wrong, (ELSEWHERE, METHODS + OTHER_METHODS, not_found)]
    return [
        (f"v1{path.removeprefix('/api/v1').replace('/', '.')}", path, methods, operation)
        for path, methods, operation in everything
    ]
