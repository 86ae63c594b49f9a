"""One operation of API v2 as the table of routes says it, for handlers and for the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.api.http import Operation

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. Its summary is the first line of its docstring; `answer` is a model, or a media type for bytes.

    `errors` are the statuses of its problems besides those that follow from what else is said of it, `elsewhere` says
    when the answer is a 303 to another address, `note` what else is to be known.
    """

    method: str
    path: str
    name: str
    operation: Operation
    status: int
    answer: type[BaseModel] | str
    body: type[BaseModel] | None = None
    body_is_list: bool = False
    query: type[BaseModel] | None = None
    idempotent: bool = False
    is_public: bool = False
    errors: frozenset[int] = frozenset()
    elsewhere: str = ""
    note: str = ""

    @property
    def summary(self) -> str:
        """What it does, in one line without a full stop."""
        return (self.operation.__doc__ or "").partition("\n")[0].rstrip(".")
