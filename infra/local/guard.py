"""What stands before the AWS emulator's port: no web page and no other host drives it, and nobody without our key.

The emulators check no signature, answer every Host and allow every origin, and who may call them runs code here. So a
request passes only if it names this machine as Host, comes from no page of a browser, and has the state folder's key in
its credential; a link to one object, which has a key of ours in it, may be followed from a page. Without the key pass
only the health route, the path of a deployed API, whose callers have keys of Posthorn, and what the front hands on with
its word: requests for that API and for function URLs. It does not check signatures either: the key's name is the
secret, and a pre-signed URL tells it to whoever is given that URL.

Standard library only: the emulators' own environments import this module.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from infra.local.folder import Keys

FRONT_HEADER = "x-posthorn-front"
CROSS_ORIGIN = "access-control-"
_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_HEALTH = {"/_ministack/health", "/_localstack/health"}
_API = re.compile(r"/restapis/[A-Za-z0-9]+/[A-Za-z0-9_-]+/_user_request_(?:/.*)?", re.DOTALL)
_FUNCTION_URL = re.compile(r"[a-z0-9-]+\.lambda-url\.[a-z0-9.-]+(?::[0-9]{1,5})?", re.IGNORECASE)
# How the emulators' own routes begin, for every Host; `/_local/` is a path like any other to a track domain.
_EMULATORS_OWN = re.compile(r"/_(?!local/)")
_CREDENTIAL = re.compile(r"AWS4-[A-Z0-9-]+ .*?\bCredential=([^/,\s]+)/", re.DOTALL)
_QUERY_CREDENTIAL = "x-amz-credential"
_AWS_ACTION = "x-amz-target"  # names a call of AWS whatever the path
_FORM = "application/x-www-form-urlencoded"
_MOST_QUERY_FIELDS = 1000

Scope = dict[str, Any]
Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

NOT_HERE = "the Host must be this machine's loopback address"
OTHER_SITE = "requests that a web page sends are refused"
NO_KEY = "the credential is not that of this stack; its environment is in stack.json"


def is_loopback(host: str) -> bool:
    """Whether a Host field names this machine, as literal address or `localhost`, with or without a port."""
    return _LOOPBACK.fullmatch(host) is not None


def authority_in(target: str) -> str:
    """The authority of a request target in absolute form; empty for a path."""
    found = _ABSOLUTE.match(target)
    return (found[1] or "?") if found else ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the guard sees it: `path` decoded, `query` as sent, fields with lower-case names."""

    method: str
    path: str
    query: str
    fields: Sequence[tuple[str, str]]
    # Of a target in absolute form, which stands in place of Host (RFC 9112 section 3.2.2).
    authority: str = ""

    def all(self, name: str) -> list[str]:
        """The values of a field in their order."""
        return [value for each, value in self.fields if each == name]


class Guard:
    """Judges requests to an emulator whose stack has these keys."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def refusal(self, asked: Asked) -> str:
        """Why a request is refused, one clause for its sender; empty when it may pass."""
        if words := asked.all(FRONT_HEADER):
            known = all(_same(word, self._keys.front) for word in words)
            return "" if known and _is_for_the_front(asked) else NO_KEY
        hosts = asked.all("host")
        if len(hosts) != 1 or not is_loopback(hosts[0]):
            return NOT_HERE
        if asked.authority and not is_loopback(asked.authority):
            return NOT_HERE
        if asked.all("origin") or set(asked.all("sec-fetch-site")) - {"none"}:
            return "" if self._is_link(asked) else OTHER_SITE
        if _is_open(asked) or self._has_key(asked):
            return ""
        return NO_KEY

    def _is_link(self, asked: Asked) -> bool:
        """Whether somebody follows a pre-signed link, which is told to those alone who may read what it leads to."""
        if (
            asked.method != "GET"
            or asked.all("origin")
            or asked.all("sec-fetch-mode") != ["navigate"]
        ):
            return False
        return bool(_in_query(asked.query)) and self._has_key(asked)

    def _has_key(self, asked: Asked) -> bool:
        """Whether every credential of the request is ours, and there is one."""
        headers = [_CREDENTIAL.match(value) for value in asked.all("authorization")]
        found = [header[1] if header else "" for header in headers]
        found += _in_query(asked.query)
        return bool(found) and all(_same(each, self._keys.access_key_id) for each in found)


def _is_open(asked: Asked) -> bool:
    """Whether a request needs no key of AWS."""
    if asked.path in _HEALTH:
        return asked.method in {"GET", "HEAD"}
    return _API.fullmatch(asked.path) is not None and not asked.all(_AWS_ACTION)


def _is_for_the_front(asked: Asked) -> bool:
    """Whether a request is one that the front hands on: never a call of AWS, whatever its sender put into it."""
    if asked.all(_AWS_ACTION):
        return False
    hosts = asked.all("host")
    if len(hosts) == 1 and _FUNCTION_URL.fullmatch(hosts[0]):
        return _EMULATORS_OWN.match(asked.path) is None
    return _API.fullmatch(asked.path) is not None


def _in_query(query: str) -> list[str]:
    try:
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_QUERY_FIELDS)
    except ValueError:
        return [""]
    return [value.partition("/")[0] for name, value in fields if name.lower() == _QUERY_CREDENTIAL]


def _same(given: str, ours: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), ours.encode())


def refusal_body(reason: str, asked: Asked) -> tuple[str, bytes]:
    """Content type and body of a 403, as AWS's clients read it: XML where they sent a form, else JSON."""
    code = "InvalidClientTokenId"
    if any(each.startswith(_FORM) for each in asked.all("content-type")):
        error = f"<Error><Code>{code}</Code><Message>{reason}</Message></Error>"
        return "text/xml", f"<ErrorResponse>{error}</ErrorResponse>".encode()
    return "application/json", json.dumps({"__type": code, "message": reason}).encode()


class GuardedAsgi:
    """An ASGI application behind a guard. WebSockets are refused: nothing of the stack speaks them."""

    def __init__(self, application: Application, guard: Guard) -> None:
        self._application = application
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        fields = [(n.decode("latin-1").lower(), v.decode("latin-1")) for n, v in scope["headers"]]
        query = scope.get("query_string", b"").decode("latin-1")
        asked = Asked(scope["method"], scope["path"], query, fields, authority_in(scope["path"]))
        if reason := self._guard.refusal(asked):
            kind, body = refusal_body(reason, asked)
            headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return

        async def send_without_origins(event: Event) -> None:
            if event["type"] == "http.response.start":
                event = {**event, "headers": _without(CROSS_ORIGIN, event.get("headers", ()))}
            await send(event)

        kept = _without(FRONT_HEADER, scope["headers"])
        await self._application({**scope, "headers": kept}, receive, send_without_origins)


def _without(beginning: str, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [each for each in headers if not each[0].lower().startswith(beginning.encode())]
