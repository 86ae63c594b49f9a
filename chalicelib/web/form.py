"""What a form sent, and what is said of its fields when it comes back with errors.

Every field is text; one that is not there is empty. At most 1,000 fields; how many bytes, the row of the page says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.api.http import HttpRequest
from chalicelib.domain.errors import Rejected
from chalicelib.domain.forms import read_fields

MOST_FIELDS = 1_000
LONGEST_NUMBER = 18
KINDS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True, slots=True)
class Form:
    """The fields by name, each with all of its values."""

    fields: Mapping[str, list[str]] = field(default_factory=dict)

    @staticmethod
    def of(request: HttpRequest) -> Form:
        """The form of a request, which is small enough and of one of KINDS."""
        found: dict[str, list[str]] = {}
        for name, value in read_fields(request.content_type, request.body, MOST_FIELDS):
            found.setdefault(name, []).append(value.replace("\r\n", "\n"))
        return Form(found)

    def require(self, *names: str) -> None:
        """What the page of a form always sends, empty or not. Rejected for a form without one: as an empty field it
        would lift what somebody had set, such as a limit."""
        for name in names:
            if name not in self.fields:
                raise Rejected(
                    f"This form came without its field {name}. Load the page again, and send it once more"
                )

    def text(self, name: str) -> str:
        """The first value, without blanks around it."""
        return (self.fields.get(name) or [""])[0].strip()

    def raw(self, name: str) -> str:
        """The first value as it is: passwords may begin with a blank."""
        return (self.fields.get(name) or [""])[0]

    def has(self, name: str) -> bool:
        """Whether a checkbox is ticked, or a button was pressed."""
        return name in self.fields

    def all(self, name: str) -> list[str]:
        """Every value that is not blank."""
        return [one.strip() for one in self.fields.get(name, ()) if one.strip()]

    def lines(self, name: str) -> list[str]:
        """The lines of a text field that are not blank."""
        return [one.strip() for one in self.text(name).splitlines() if one.strip()]

    def whole(self, name: str, most: int) -> int | None:
        """A whole number of plain digits, at most `most`; None for anything else."""
        text = self.text(name)
        is_number = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
        return min(int(text), most) if is_number else None

    def json_object(self, name: str) -> dict[str, Any]:
        """The JSON object that a field holds; empty for what is none."""
        try:
            found = json.loads(self.raw(name))
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}
