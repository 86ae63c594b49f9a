"""What requests and answers of API v2 have in common, as the declarations that both validate and document them.

Requests forbid unknown fields. Times are RFC 3339 in UTC with milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    model_validator,
)

from chalicelib.api.v2.nulls import or_null, without_nulls

if TYPE_CHECKING:
    from pydantic_core.core_schema import CoreSchema

JSON_TYPE = {"Content-Type": "application/json"}
MOST_ON_PAGE = 100
LONGEST_CURSOR = 2_000


def _moment(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Made from epoch seconds or read back from a text; always shown in UTC with milliseconds.
Moment = Annotated[
    datetime,
    BeforeValidator(lambda value: _moment(value) if isinstance(value, int | float) else value),
    PlainSerializer(_rfc3339, return_type=str, when_used="json"),
    Field(examples=["2026-03-22T12:00:00.000Z"]),
]


@dataclass(frozen=True, slots=True)
class Other:
    """A good answer with another status than its route usually has."""

    status: int
    value: BaseModel


class Request(BaseModel):
    """A request; fields that are not in it are refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)


class NoParameters(Request):
    """The query of a route that takes none."""


class Body(Request):
    """The body of a request, or an object in it: null means the same as leaving a field out."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        return without_nulls(value, cls._optional())

    @classmethod
    def _optional(cls) -> list[str]:
        fields = cls.model_fields.items()
        return [field.alias or name for name, field in fields if not field.is_required()]

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        described = handler(schema)
        fields = handler.resolve_ref_schema(described)["properties"]
        for name in cls._optional():
            fields[name] = or_null(fields[name])
        return described


class Answer(BaseModel):
    """An answer, made from values by name or from an object's attributes."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, from_attributes=True)


def _digits(text: Any) -> Any:
    """Digits alone: pydantic takes signs, blanks and underscores too."""
    if isinstance(text, str) and not (text.isascii() and text.isdecimal()):
        raise ValueError("is no whole number")
    return text


class PageQuery(Request):
    """Which page of a list."""

    limit: Annotated[
        int,
        Field(ge=1, le=MOST_ON_PAGE, description="Items on a page."),
        BeforeValidator(_digits),
    ] = 30
    cursor: str | None = Field(
        None, max_length=LONGEST_CURSOR, description="`next_cursor` as given."
    )


class ConfirmQuery(Request):
    """That it is meant."""

    confirm: str | None = Field(
        None, max_length=500, description="The permalink of what is deleted."
    )


class ListAnswer(Answer):
    """One page of a list; `data` holds the items."""

    has_more: bool
    next_cursor: Annotated[str | None, Field(description="The `cursor` of the next page.")]


def as_json(answer: BaseModel) -> dict[str, Any]:
    """An answer as a JSON object, by its public names."""
    return answer.model_dump(mode="json", by_alias=True)
