"""The API's operations in this process, on the storage, as a transport of the client.

Whoever can open the storage may do everything; the audit log calls them by the name of their account on this machine.
The first change sets an installation up that is new.
"""

from __future__ import annotations

import os
import pwd
import uuid
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chalicelib.api.http import HttpAnswer, HttpRequest
from chalicelib.api.v2.in_process import answer_operator
from chalicelib.bootstrap import Posthorn
from chalicelib.services.tenancy.installation import Installation
from posthorn_client import Answer, Unreachable
from posthorn_client.transport import Sent


class InProcess:
    """Carries requests to the operations on the installation that `opened` gives."""

    def __init__(
        self,
        opened: Callable[[], Posthorn],
        run: Callable[[Coroutine[Any, Any, Any]], Any],
    ) -> None:
        self._opened = opened
        self._run = run

    def send(self, sent: Sent) -> Answer:
        """The answer."""
        program = self._opened()
        parts = urlsplit(sent.target)
        request = HttpRequest(
            method=sent.method,
            path=parts.path,
            path_values={},
            query=parse_qs(parts.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in sent.headers.items()},
            body=sent.body or b"",
            client_address="",
            request_id=str(uuid.uuid4()),
        )
        if sent.method != "GET":
            self._run(program[Installation].ensure())
        answer: HttpAnswer = self._run(answer_operator(program, request, _account()))
        body = answer.body if isinstance(answer.body, bytes) else answer.body.encode()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, headers, body)

    def fetch(self, url: str) -> Answer:
        """Nothing lies elsewhere."""
        raise Unreachable(f"{urlsplit(url).netloc} is not asked for what is in the storage")

    def close(self) -> None:
        """Nothing is held."""


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"
