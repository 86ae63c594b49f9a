"""Templates into HTML: one environment, with everything escaped, and the filters that pages write with.

A template prints what others wrote through `foreign`; a name that it is not given is an error.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from markupsafe import Markup

from chalicelib.web import words
from chalicelib.web.causes import cause_words
from chalicelib.web.foreign import foreign, visible
from chalicelib.web.programs import program_words
from chalicelib.web.query_terms import quoted
from chalicelib.web.static_files import address_of

if TYPE_CHECKING:
    from jinja2.runtime import Context

TEMPLATES = Path(__file__).parent / "templates"


def render(name: str, values: Mapping[str, Any]) -> str:
    """The text of a template. `values` have `now` (an aware datetime), `zone` and `prefix` (of addresses)."""
    return _environment().get_template(name).render(values)


def zone_of(name: str) -> tzinfo:
    """A time zone by its IANA name; UTC for one that is not known here."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


@functools.cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "foreign": foreign,
        "drawing": Markup,  # of an icon, which is a constant of parts/icons.html
        "visible": visible,
        "lines": lambda text: visible(text, lines=True),
        "status": words.status_word,
        "count": words.count,
        "counted": words.counted,
        "share": words.share,
        "size": words.size,
        "duration": words.duration,
        "when": _when,
        "whole_time": _whole_time,
        "clock": _clock,
        "moment": words.read_time,
        "cause": lambda name: cause_words(name).short,
        "quoted": quoted,
        "program": program_words,
    }
    made.globals |= {"static": address_of, "NOTHING": words.NOTHING}
    return made


@pass_context
def _when(context: Context, text: str) -> str:
    now: datetime = context["now"]
    return words.when(words.read_time(text), now, context["zone"])


@pass_context
def _whole_time(context: Context, text: str) -> str:
    return words.whole_time(words.read_time(text), context["zone"])


@pass_context
def _clock(context: Context, text: str) -> str:
    return words.clock(words.read_time(text), context["zone"])
