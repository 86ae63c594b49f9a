"""How pages ask: operations of API v2 in the same process, as the person who looks (ADR 67).

Rights, rates, limits, audit entries and the words of errors are those of the API; nothing is asked that it has not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram
from chalicelib.api.v2.in_process import answer_caller
from chalicelib.api.v2.route import PREFIX
from chalicelib.services.tenancy.caller import Caller

JSON = "application/json"
_ITEM = re.compile(r"(.+?)/(\d{1,6})(?:/|$)")
Values = Mapping[str, str | int | bool | Sequence[str] | None]


class Problem(Exception):
    """What the API answers instead, in its own words."""

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        super().__init__(told.get("detail", ""))
        self.status = status
        self.told = told

    @property
    def code(self) -> str:
        """Its code, such as `scope_missing`."""
        return str(self.told.get("code", ""))

    @property
    def detail(self) -> str:
        """One sentence for people."""
        return str(self.told.get("detail", ""))

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong with each field, by its JSON pointer without the first slash; with an item of a list, by that
        of the list, as a form has one field for all of it."""
        found: dict[str, str] = {}
        for one in self.told.get("errors") or ():
            pointer, said = str(one["pointer"]).removeprefix("/"), str(one["detail"])
            if item := _ITEM.match(pointer):
                pointer, said = item[1], f"number {int(item[2]) + 1} {said}"
            found.setdefault(pointer, said)
        return found

    @property
    def sentence(self) -> str:
        """What is wrong with which field, or else its one sentence."""
        told = [f"{name.replace('_', ' ')} {said}" for name, said in self.errors.items() if name]
        return "; ".join(told) or self.detail


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks in the name of somebody, for one request that came."""

    program: MailProgram
    caller: Caller | None  # nobody: public operations alone
    request: HttpRequest

    async def answer(
        self,
        method: str,
        path: str,
        *,
        tenant: str | None = None,
        query: Values | None = None,
        body: Any = None,
        key: str = "",
        is_handed_on: bool = False,
    ) -> HttpAnswer:
        """The answer of an operation whatever it is; `path` begins behind /api/v2, `key` is an Idempotency-Key. A file
        that `is_handed_on` may be elsewhere instead."""
        came = self.request.headers
        headers = {name: came[name] for name in ("cookie", "host", "user-agent") if name in came}
        headers["content-type"] = JSON
        headers["accept"] = came.get("accept", "") if is_handed_on else "*/*"
        if tenant is not None:
            headers["posthorn-tenant"] = tenant
        if key:
            headers["idempotency-key"] = key
        asked = HttpRequest(
            method,
            PREFIX + path,
            {},
            {name: [_text(one)] for name, one in (query or {}).items() if one not in (None, "")},
            headers,
            b"" if body is None else json.dumps(body).encode(),
            self.request.client_address,
            self.request.request_id,
        )
        return await answer_caller(self.program, asked, self.caller, is_handed_on=is_handed_on)

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        """The value that an operation answers with, None for none. Problem."""
        return value_of(await self.answer(method, path, **more))


def value_of(answer: HttpAnswer) -> Any:
    """The value of an answer, None for none. Problem."""
    octets = answer.body
    body = octets if isinstance(octets, str) else octets.decode("utf-8", "replace")
    if answer.status >= 400:
        raise Problem(answer.status, json.loads(body) if body else {})
    return json.loads(body) if body else None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list | tuple) else str(value)
