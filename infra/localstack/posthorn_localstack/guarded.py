"""LocalStack's gateway behind the guard of the local stack (infra/local/guard.py), and its own calls past it.

LocalStack calls itself over HTTP at the port that everybody sees, under account numbers as keys. Those calls carry a
word that this process makes when it starts and tells nobody. Functions and the tables' emulator get the stack's key.
"""

from __future__ import annotations

import hmac
import os
import secrets
from functools import cache
from pathlib import Path
from typing import Any

from infra.local.folder import Keys, read_keys
from infra.local.guard import CROSS_ORIGIN, FRONT_HEADER, Asked, Guard, refusal_body

INSIDE_HEADER = "x-posthorn-inside"
_inside = secrets.token_urlsafe(32)


@cache
def stack_keys() -> Keys:
    """The keys of the state folder that POSTHORN_STATE names; SystemExit when there are none."""
    state = os.environ.get("POSTHORN_STATE")
    if not state:
        raise SystemExit("posthorn_localstack: POSTHORN_STATE must name a state folder of Posthorn")
    try:
        return read_keys(Path(state))
    except (OSError, ValueError) as missing:
        raise SystemExit(f"posthorn_localstack: there are no keys: {missing}") from missing


def guard_gateway() -> None:
    """Put the guard before everything else that LocalStack does with a request."""
    from localstack.aws import app

    guard = Guard(stack_keys())

    class GuardedGateway(app.LocalstackAwsGateway):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self.request_handlers.insert(0, lambda *each: _judge(guard, *each))
            self.finalizers.append(_forget_origins)

    app.LocalstackAwsGateway = GuardedGateway


def mark_own_calls() -> None:
    """Let LocalStack's clients of itself say the word."""
    from localstack.aws import connect

    before = connect._handler_inject_dto_header

    def mark(params: dict[str, Any], context: dict[str, Any], **named: Any) -> None:
        before(params, context, **named)
        params["headers"][INSIDE_HEADER] = _inside

    connect._handler_inject_dto_header = mark


def _judge(guard: Guard, chain: Any, context: Any, response: Any) -> None:
    request = context.request
    word = request.headers.get(INSIDE_HEADER, "")
    request.headers.remove(INSIDE_HEADER)
    if hmac.compare_digest(word.encode(), _inside.encode()):
        return
    query = request.query_string.decode("latin-1")
    fields = [(name.lower(), value) for name, value in request.headers]
    asked = Asked(request.method, request.path, query, fields)
    reason = guard.refusal(asked)
    if request.method == "WEBSOCKET":
        reason = reason or "there are no WebSockets here"
    request.headers.remove(FRONT_HEADER)
    if reason:
        response.content_type, body = refusal_body(reason, asked)
        response.status_code = 403
        response.set_response(body)
        chain.terminate()


def _forget_origins(_chain: Any, _context: Any, response: Any) -> None:
    for name in [name for name, _ in response.headers if name.lower().startswith(CROSS_ORIGIN)]:
        response.headers.remove(name)
