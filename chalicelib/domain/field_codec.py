"""Values to mappings and back, by the names of a field table: what the codecs of texts and items share.

What a codec adds is one form for each kind, both ways. Names that the table lacks are not read: they come from a newer
release.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

from chalicelib.domain.fields import REQUIRED, Field, Kind, Table

T = TypeVar("T")
Form = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Forms:
    """How a codec calls a field, writes its values and reads them."""

    name: Callable[[Field], str]
    write: Callable[[Field], Form]
    read: Callable[[Field], Form]


class Codec(Generic[T]):
    """The fields of a table, except those in `without`, in the forms of one codec."""

    def __init__(self, table: Table[T], forms: Forms, without: Collection[str] = ()) -> None:
        self._value = table.value
        fields = [field for field in table.fields if field.name not in without]
        plain = [field for field in fields if field.kind is not Kind.FLAT]
        self._flat: list[tuple[str, Codec[Any]]] = [
            (field.name, Codec(field.table, forms))
            for field in fields
            if field.kind is Kind.FLAT and field.table is not None
        ]
        self._values = attrgetter(*(field.name for field in plain))  # of one value if it is one
        self._writers = [(forms.name(one), forms.write(one), one.default) for one in plain]
        self._readers = [(one.name, forms.name(one), forms.read(one), one.default) for one in plain]
        self.names: frozenset[str] = frozenset(forms.name(field) for field in plain).union(
            *(inner.names for _, inner in self._flat)
        )

    def write(self, value: T) -> dict[str, Any]:
        """The fields of a value by short name; what equals its default is left out."""
        pairs = zip(self._writers, self._values(value), strict=True)
        found = {name: form(one) for (name, form, default), one in pairs if one != default}
        for name, inner in self._flat:
            found |= inner.write(getattr(value, name))
        return found

    def fields(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What a value is made of, by full name. KeyError when a field without a default is missing."""
        found = {
            name: form(given[short]) if short in given or default is REQUIRED else default
            for name, short, form, default in self._readers
        }
        for name, inner in self._flat:
            found[name] = inner.read(given)
        return found

    def read(self, given: Mapping[str, Any]) -> T:
        """The value of what `write` gave; KeyError as `fields`, and what the forms raise."""
        return self._value(**self.fields(given))
