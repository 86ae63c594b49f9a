"""What buttons do: one operation, then back to a page that says what was done, or why it was not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.flash import Flash
from chalicelib.web.page import Page
from chalicelib.web.row import SERVER, Row, View

TOLD = (
    400,
    409,
    422,
    429,
)  # what whoever pressed the button can do something about, told where it stands
ORGANIZATION = "/org/{org}"


async def do(
    page: Page, back: str, done: Flash | str | None, method: str, path: str, **more: Any
) -> HttpAnswer:
    """Ask an operation, and lead to `back`, a path that is quoted already."""
    try:
        await page.ask(method, path, **more)
    except Problem as problem:
        if problem.status not in TOLD:
            raise
        return page.see_other(back, Flash(problem.sentence, "bad"))
    return page.see_other(back, done)


def of_both(method: str, path: str, view: View, right: str = "", *api: str) -> Sequence[Row]:
    """The rows of a page that servers and organizations have."""
    return [Row(method, base + path, view, right, api) for base in (SERVER, ORGANIZATION)]
