"""The table of pages: every address of the dashboard, the view that shows it, the right it needs, its equal in the API.

Pure. Tests walk it: each row by each role, and from a foreign organization.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from chalicelib.web.pages import (
    account,
    by_provider,
    configuration,
    installation,
    installation_operations,
    installation_provider,
    mail,
    mailed_links,
    management_keys,
    members,
    organization_settings,
    organizations,
    overview,
    sign_in,
    source_form,
    start,
)
from chalicelib.web.row import Row

# Of ASCII neither blanks, quotation marks, backslashes nor controls.
_PLAIN = re.compile(r"[!#-\[\]-~]{1,1000}")

ROWS: tuple[Row, ...] = (
    *sign_in.ROWS,
    *by_provider.ROWS,
    *mailed_links.ROWS,
    *organizations.ROWS,
    *organization_settings.ROWS,
    *management_keys.ROWS,
    *members.ROWS,
    *account.ROWS,
    *installation.ROWS,
    *installation_operations.ROWS,
    *installation_provider.ROWS,
    *source_form.ROWS,
    *overview.ROWS,
    *start.ROWS,
    *mail.ROWS,
    *configuration.ROWS,
)


def find(method: str, path: str) -> tuple[Row, Mapping[str, str]] | None:
    """The row that takes a request, and the variable parts of the path as they were sent."""
    wanted = "GET" if method == "HEAD" else method
    for row in ROWS:
        if row.method == wanted and (found := row.expression.fullmatch(path)):
            return row, found.groupdict()
    return None


def methods_of(path: str) -> set[str]:
    """The methods that a path has."""
    return {row.method for row in ROWS if row.expression.fullmatch(path)}


def is_ours(path: str) -> bool:
    """Whether a path that somebody gave is a page of ours, to which one may be led: no other site, no odd character."""
    plain = path.partition("?")[0]
    is_path = plain.startswith("/") and not plain.startswith("//") and _PLAIN.fullmatch(path)
    return bool(is_path) and find("GET", plain) is not None
