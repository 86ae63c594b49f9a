"""What commands on one message have for many: a job on all that match."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast, get_args

import click

from chalicelib.cli.commands import fields_of, options
from chalicelib.cli.jobs import dry_run_option, report, started, wait_option
from chalicelib.cli.session import Session
from posthorn_client.models import JobToStart, Scope

FLAGS = ("held", "queued", "scheduled", "failed", "bounced")
_CHOICES = ("q", "direction", "status", "to")
WHICH = "Give the ID of a message, or choose several by --q, --direction, --status, --to or --all."
Verb = Callable[..., Any]

filter_options = options(
    click.option("--q", metavar="QUERY", help="All that this search finds, as a job."),
    click.option("--direction", type=click.Choice(get_args(Scope)), help="All of this direction."),
    click.option("--status", type=click.Choice(FLAGS), help="All that stand so."),
    click.option("--to", metavar="ADDRESS", help="All for this recipient."),
)
_options = options(
    click.argument("message", metavar="[ID]", required=False),
    filter_options,
    click.option("--all", "everything", is_flag=True, help="All messages."),
    dry_run_option,
    wait_option,
)


def one_or_many(verb: str) -> Callable[[Verb], Verb]:
    """A command on one message that takes a choice in its place; further options are parameters of the job."""

    def decorated(one: Verb) -> Verb:
        @functools.wraps(one)
        def command(
            session: Session,
            message: str | None,
            server: str | None,
            everything: bool,
            dry_run: bool,
            no_wait: bool,
            **given: Any,
        ) -> Any:
            chosen = fields_of(**{name: given.pop(name) for name in _CHOICES})
            if (message is None) is not bool(chosen or everything) or (everything and chosen):
                raise click.UsageError(WHICH)
            if message is not None:
                if dry_run or no_wait:
                    raise click.UsageError("--dry-run and --no-wait are for several messages.")
                return one(session, message, server, **given)
            wanted = {"type": verb, "filter": chosen, **fields_of(**given)}
            if dry_run:
                wanted["dry_run"] = True
            job = started(session, cast("JobToStart", wanted), server, waits=not no_wait)
            return 0 if job is None else report(session, job)

        return cast("Verb", _options(command))

    return decorated
