"""Fields of forms as values of the API. What is not of the right kind stays the text that was typed, and the API says
what is wrong with it."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from chalicelib.web.asking import Problem
from chalicelib.web.form import Form


def number(form: Form, name: str) -> int | str | None:
    """A whole number; None for an empty field."""
    text = form.text(name).replace(",", "")
    if not text:
        return None
    try:
        return int(text) if len(text) < 20 else text
    except ValueError:
        return text


def decimal(form: Form, name: str) -> float | str | None:
    """A number with a decimal point; None for an empty field."""
    return read_decimal(form.text(name)) if form.text(name) else None


def read_decimal(text: str) -> float | str:
    """The number of a text; the text for what is none, as `nan` is."""
    try:
        found = float(text) if len(text) < 20 else math.nan
    except ValueError:
        return text
    return found if math.isfinite(found) else text


def text(form: Form, name: str) -> str | None:
    """A text; None for an empty field."""
    return form.text(name) or None


def all_or_some(
    form: Form, choice: str, name: str, before: list[str] | None = None
) -> list[str] | None:
    """What is ticked where the form chooses some; None where it chooses all. Problem for a form that chooses neither,
    for all with some of them ticked, and for some with none, which nobody means; but what was limited may be so no
    longer, and none may stay none."""
    ticked, is_all, said = form.all(name), form.text(choice) == "all", ""
    if form.text(choice) not in ("all", "some"):
        said = "are all or these alone: choose one"
    elif is_all and ticked and before is None:
        said = "are ticked: choose these alone, or untick them"
    elif not is_all and not ticked and before != []:
        said = "are to be some: tick one at least, or choose all"
    if said:
        raise Problem(422, {"errors": [{"pointer": f"/{name}", "detail": said}]})
    return None if is_all else ticked


def moment(form: Form, name: str) -> str | None:
    """A time as date fields send it or a person types it, in UTC if it does not say; None for an empty field."""
    said = form.text(name)
    if not said:
        return None
    try:
        found = datetime.fromisoformat(said.upper()) if len(said) < 40 else None
    except ValueError:
        found = None
    if found is None:
        return said
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()


def new_end(form: Form, before: str | None) -> dict[str, str | None]:
    """When a key is to end, where the form says another time than before: one that has ended may be renamed."""
    if form.text("expires_at") == (before or ""):
        return {}
    return {"expires_at": moment(form, "expires_at")}
