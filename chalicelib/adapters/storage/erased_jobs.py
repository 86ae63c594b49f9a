"""Jobs as they are stored, with what stands in place of an address that is erased."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.erasure import Sought
from chalicelib.domain.jobs import Job
from chalicelib.domain.json_values import parse_value, render_value

ERASE = "erase"


def without(sought: Sought, text: str) -> str:
    """A job without the address: one that is open goes on with what stands there instead, in its next version, so that
    whoever is at it sees it. The same text where there is nothing to change; one that erases needs its address, and
    takes it out itself."""
    if not sought.is_in(text):
        return text
    if not (before := parse_value(Job, text)).is_open:
        return sought.replaced(text)
    if before.type == ERASE:
        return text
    after = parse_value(Job, sought.replaced(text))
    return render_value(replace(after, version=before.version + 1))
