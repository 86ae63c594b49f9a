"""The options of send limits that organizations, servers and credentials share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import click

from chalicelib.cli.commands import options
from posthorn_client.models import LimitAction

NOTHING = "none"
LIMITS = ("send_limit", "send_limit_day", "send_limit_month", "send_limit_action")
_SPANS = {
    "send_limit": "60 minutes",
    "send_limit_day": "24 hours",
    "send_limit_month": "a month",
}


def _number(text: str) -> int | str:
    """A number, or `none` for no limit."""
    if text != NOTHING and not text.isdecimal():
        raise ValueError(f"{text!r} is neither a number nor `none`.")
    return text if text == NOTHING else int(text)


send_limit_options = options(
    *(
        click.option(
            f"--{name.replace('_', '-')}",
            type=_number,
            metavar="NUMBER|NONE",
            help=f"Messages in {span}, or `none`.",
        )
        for name, span in _SPANS.items()
    ),
    click.option(
        "--send-limit-action",
        type=click.Choice(get_args(LimitAction)),
        help="Hold mail above a limit and send it later, or refuse it.",
    ),
)


def without_nothing(body: dict[str, Any]) -> Any:
    """The body with null for what is `none`."""
    return {name: None if one == NOTHING else one for name, one in body.items()}


def limits_text(owner: Mapping[str, Any]) -> str:
    """The limits that an owner has, and what becomes of mail above them."""
    known = [f"{owner[name]} in {span}" for name, span in _SPANS.items() if owner[name] is not None]
    if not known:
        return NOTHING
    above = "held" if owner["send_limit_action"] == "hold" else "refused"
    return f"{', '.join(known)}; above: {above}"
