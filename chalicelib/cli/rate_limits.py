"""The options of complaint and bounce rates that organizations, servers and streams share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from chalicelib.cli.commands import options
from chalicelib.cli.send_limits import NOTHING

RATES = ("complaint_rate_limit", "bounce_rate_limit", "rate_limit_count")
_HELD = "above which new mail is held, or `none` for none of its own."


def _percent(text: str) -> float | str:
    """A percentage, or `none`."""
    try:
        return text if text == NOTHING else float(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither a percentage nor `none`.") from None


def _count(text: str) -> int | str:
    """A number, or `none`."""
    if text != NOTHING and not text.isdecimal():
        raise ValueError(f"{text!r} is neither a number nor `none`.")
    return text if text == NOTHING else int(text)


rate_limit_options = options(
    click.option(
        "--complaint-rate-limit",
        type=_percent,
        metavar="PERCENT|NONE",
        help=f"Of delivered mail that is complained about, {_HELD}",
    ),
    click.option(
        "--bounce-rate-limit",
        type=_percent,
        metavar="PERCENT|NONE",
        help=f"Of mail that does not reach its recipient, {_HELD}",
    ),
    click.option(
        "--rate-limit-count",
        type=_count,
        metavar="NUMBER|NONE",
        help="Of fewer messages in 24 hours no rate is taken.",
    ),
)


def rates_text(owner: Mapping[str, Any]) -> str:
    """The limits that an owner has of its own."""
    names = {"complaint_rate_limit": "complaints", "bounce_rate_limit": "bounces"}
    known = [f"{owner[name]:g} % {word}" for name, word in names.items() if owner[name] is not None]
    if owner["rate_limit_count"] is not None:
        known.append(f"of {owner['rate_limit_count']} messages or more")
    return ", ".join(known) or f"{NOTHING} of its own"


def holds_text(owner: Mapping[str, Any]) -> str:
    """What holds a server's new mail."""
    return ", ".join(
        f"{one['rate'].replace('_', ' ')} of {one['percent']:g} %"
        + (f" in {one['stream']}" if one["stream"] else "")
        for one in owner["rate_holds"]
    )
