"""What goes wrong between a program and the API: one tree of exceptions.

Texts of errors hold no key. What the API says in a problem is its own text, meant for people.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SEE_ERRORS = "; see errors"  # what a detail ends with that leaves the fields to `errors`


class PosthornError(Exception):
    """Anything that this client raises, wrong arguments aside."""


class Unreachable(PosthornError):
    """There was no answer, or not in time. What the request did is not known, if it came through."""


class UnreadableAnswer(PosthornError):
    """An answer that is none of the API's."""


class AnswerTooLarge(UnreadableAnswer):
    """An answer of more bytes than the client takes."""


@dataclass(frozen=True, slots=True)
class WrongField:
    """One wrong field of a request; `pointer` is a JSON pointer (RFC 6901) into its body or query."""

    pointer: str
    code: str
    detail: str


class ProblemError(PosthornError):
    """The API refused: a problem of RFC 9457. `code` is for programs and `detail` for people, `errors` are the wrong
    fields, `retry_after` the seconds after which to ask again, `members` all that the problem says."""

    def __init__(
        self, status: int, members: Mapping[str, Any], retry_after: float | None = None
    ) -> None:
        self.status = status
        self.members = members
        self.code = _text(members, "code")
        self.detail = _text(members, "detail") or f"The API answered {status}"
        self.request_id = _text(members, "request_id")
        self.retry_after = retry_after
        self.errors = tuple(_fields(members.get("errors")))
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """What went wrong, for people: the detail, and the wrong fields if it does not tell of them itself."""
        told = [f"{one.pointer} {one.detail}".strip() for one in self.errors]
        if not told or all(one.detail in self.detail for one in self.errors):
            return self.detail
        return f"{self.detail.removesuffix(SEE_ERRORS)}: {'; '.join(told)}"


def problem_of(status: int, body: bytes, retry_after: float | None) -> ProblemError:
    """The problem in an answer; its status alone where there is none."""
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        members = None
    return ProblemError(status, members if isinstance(members, dict) else {}, retry_after)


def _text(members: Mapping[str, Any], name: str) -> str:
    found = members.get(name)
    return found if isinstance(found, str) else ""


def _fields(found: Any) -> list[WrongField]:
    listed = found if isinstance(found, list) else []
    return [
        WrongField(_text(one, "pointer"), _text(one, "code"), _text(one, "detail"))
        for one in listed
        if isinstance(one, dict)
    ]
