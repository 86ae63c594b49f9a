"""Changes of the configuration, as a repository is asked for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from chalicelib.domain.tenancy.entity import Entity

T = TypeVar("T")


OUTDATED = "Another change came between, try again"


class Verb(Enum):
    """What is done to a value."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One change of the configuration: Conflict when a place is taken, NotFound when there is nothing to change. With
    `before` a value is replaced only if that is what is stored; Outdated."""

    verb: Verb
    entity: Entity[T]
    value: T
    before: T | None = None
