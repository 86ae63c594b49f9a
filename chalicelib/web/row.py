"""One row of the table of pages: which requests a view takes, what right it needs, which API operations do the same."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.api.v2.job_models import LARGEST_CSV

View = Callable[[Any], Awaitable[HttpAnswer]]  # what it gets is a `web.page.Page`
ROOT = "/"
SERVER = "/org/{org}/servers/{server}"
LARGEST_FORM = 262_144
FILE_FORM = LARGEST_CSV + 65_536  # of a file that the API takes, with the fields beside it


@dataclass(frozen=True)
class Row:
    """A page (GET) or a form (POST).

    `right`: the scope that whoever sees it needs in the tenant that the path names (`{org}`, `{server}`); empty for all
    who reach the tenant. `api`: the operations of API v2 that it asks, by their names; a form asks one at least.
    `is_public`: shown without a sign-in. `largest`: bytes of the form that it takes.
    """

    method: str
    pattern: str
    view: View
    right: str = ""
    api: tuple[str, ...] = field(default=())
    is_public: bool = False
    largest: int = LARGEST_FORM

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """What matches the paths of the row, each variable part under its name."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.pattern)))


def of_server(
    method: str, path: str, view: View, right: str = "", *api: str, largest: int = LARGEST_FORM
) -> Row:
    """A row of a server's pages; `path` begins behind the server's own."""
    return Row(method, SERVER + path, view, right, api, largest=largest)
