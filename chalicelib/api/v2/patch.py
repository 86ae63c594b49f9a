"""PATCH as JSON Merge Patch (RFC 7396, api.md 1.4): what is absent stays, null is the default, a list is the list.

A change declares its fields with their defaults. Null for one that has no other default than none at all is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import GetJsonSchemaHandler, model_validator

from chalicelib.api.v2.nulls import or_null
from chalicelib.api.v2.objects import Request
from chalicelib.api.v2.requests import INVALID
from chalicelib.domain.errors import FieldError, InvalidRequest

if TYPE_CHECKING:
    from pydantic_core import CoreSchema


class Patch(Request):
    """A change. `needed` are the fields that cannot be taken away by null."""

    needed: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _null_is_default(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        fields = {one.alias or name: one for name, one in cls.model_fields.items()}
        nulls = {name for name, one in value.items() if one is None and name in fields}
        if missing := sorted(nulls & cls.needed):
            faults = (FieldError(f"/{name}", "required", "cannot be null") for name in missing)
            raise InvalidRequest(INVALID, tuple(faults))
        defaults = {name: fields[name].get_default(call_default_factory=True) for name in nulls}
        return {**value, **defaults}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        described = handler(schema)
        fields = handler.resolve_ref_schema(described)["properties"]
        for name in fields.keys() - cls.needed:
            fields[name] = or_null(fields[name])
        return described

    def given(self) -> dict[str, Any]:
        """The fields that are to change, with their new values."""
        return {name: getattr(self, name) for name in self.model_fields_set}
