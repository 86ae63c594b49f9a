"""The HTTP API in the test's own process: the real Chalice app on memory adapters, called directly or over a socket.

`ApiWorld.call` goes through Chalice's LocalGateway, as the local stack does; `serving` puts the same app behind a
threaded HTTP or HTTPS server on a free loopback port, for clients that insist on one.
"""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chalice.config import Config
from chalice.local import LocalGateway, LocalGatewayException

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.services.messages.history import MessageHistory
from chalicelib.services.tenancy.management_keys import KeyOptions, ManagementKeys
from functions.api import app
from infra.local.lambda_http import Events
from tests.patience import PATIENCE
from tests.worlds import Scene, make_scene


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body)


class ApiWorld:
    """A tenant and the API in front of it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.gateway = LocalGateway(app, Config.create(lambda_timeout=60))
        self.gateway.event_converter = Events(app)

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request; header names are taken without case, as gateways do."""
        try:
            answer = self.gateway.handle_request(method, path, dict(headers or {}), body)
        except LocalGatewayException as error:
            return Reply(error.CODE, dict(error.headers), error.body or b"")
        raw = answer["body"] or ""
        if answer.get("isBase64Encoded"):
            raw = base64.b64decode(raw)
        headers_out = {name.lower(): value for name, value in answer["headers"].items()}
        return Reply(
            answer["statusCode"], headers_out, raw if isinstance(raw, bytes) else raw.encode()
        )

    def v1(self, action: str, parameters: Any, key: str | None = None, method: str = "POST") -> Any:
        """The envelope of a v1 action."""
        headers = {"content-type": "application/json"}
        if (key := self.scene.api_key if key is None else key) != "":
            headers["x-server-api-key"] = key
        body = json.dumps(parameters).encode()
        reply = self.call(method, f"/api/v1/{action}", body, headers)
        assert reply.status == 200, reply
        return reply.json

    def v2(
        self, method: str, path: str, value: Any = None, key: str | None = None, **headers: str
    ) -> Reply:
        """A v2 request; `headers` with underscores for hyphens."""
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        sent.setdefault("authorization", f"Bearer {key or self.scene.api_key}")
        body = None
        if value is not None:
            sent.setdefault("content-type", "application/json")
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.call(method, f"/api/v2{path}", body, sent)

    @cached_property
    def installation_key(self) -> str:
        """A management key of the installation that may do everything."""
        keys = self.scene.posthorn[ManagementKeys]
        return bootstrap.run(keys.create(None, "root", KeyOptions(("*",)), "a test"))[1]

    def manage(
        self,
        method: str,
        path: str,
        value: Any = None,
        tenant: str = "",
        key: str | None = None,
        **headers: str,
    ) -> Reply:
        """A v2 request with a management key, the installation's unless one is given."""
        named = {"posthorn-tenant": tenant} if tenant else {}
        return self.v2(method, path, value, key or self.installation_key, **named, **headers)

    def content(self, number: int) -> bytes:
        """The stored bytes of a message."""
        posthorn = self.scene.posthorn
        record = bootstrap.run(posthorn[MessageHistory].record(self.scene.server.id, number))
        content = bootstrap.run(posthorn[MessageHistory].content(record))
        assert content is not None
        return content

    def count(self) -> int:
        """How many messages the server has, at most 100."""
        page = bootstrap.run(
            self.scene.posthorn[MessageHistory].page(self.scene.server.id, limit=100)
        )
        return len(page.values)


@contextlib.contextmanager
def api_world(settings: Settings | None = None, scene: Scene | None = None) -> Iterator[ApiWorld]:
    """The tenant of a scene, a fresh one unless it is given; the process's program until the end of the block."""
    scene = scene or bootstrap.run(make_scene(settings))
    bootstrap.use(scene.posthorn)
    try:
        yield ApiWorld(scene)
    finally:
        bootstrap.use(None)


@contextlib.contextmanager
def serving(world: ApiWorld, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a threaded server over the world."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("content-length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = world.call(self.command, self.path, self._body(length), headers)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def _body(self, length: int) -> bytes:
            if self.headers.get("transfer-encoding", "").lower() != "chunked":
                return self.rfile.read(length)
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE)
