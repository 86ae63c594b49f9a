"""The entry of the command `posthorn`: its groups, and what becomes of errors.

Exit codes: 0 done, 1 it could not be done (one sentence on standard error), 2 wrong usage, 130 stopped with Ctrl-C. No
error shows a stack trace unless POSTHORN_DEBUG is set.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from chalicelib.cli.audit import audit_group
from chalicelib.cli.commands import JSON
from chalicelib.cli.credentials import credential_group
from chalicelib.cli.domains import domain_group
from chalicelib.cli.keys import key_group
from chalicelib.cli.messages import message_group
from chalicelib.cli.organizations import organization_group
from chalicelib.cli.pools import pool_group
from chalicelib.cli.send import send_command
from chalicelib.cli.servers import server_group
from chalicelib.cli.session import Session
from chalicelib.cli.sources import source_group
from chalicelib.cli.stack import NoStack
from chalicelib.cli.tail import tail_command
from chalicelib.cli.terminal import visible
from chalicelib.cli.trackdomains import track_domain_group
from chalicelib.domain.errors import MailError

STOPPED = 130


@click.group(
    "posthorn",
    commands=(
        organization_group,
        server_group,
        domain_group,
        track_domain_group,
        credential_group,
        key_group,
        audit_group,
        pool_group,
        source_group,
        message_group,
        send_command,
        tail_command,
    ),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--stack",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The stack.json of the local stack to use.",
)
@click.pass_context
def command(context: click.Context, stack: Path | None) -> None:
    """Manage a Posthorn installation: accounts, domains, credentials, messages.

    Talks to the state folder of this host, if one is named; else to the AWS account that the environment names, or
    else to the local stack that runs here.
    """
    context.ensure_object(Session).stack_file = stack


command.params.append(JSON)


def main(
    arguments: Sequence[str] | None = None,
    session: Session | None = None,
    group: click.Group = command,
) -> int:
    """Run the command line and return the exit code. `session` lets tests bring their own installation, and `group`
    is a command that has more in it."""
    try:
        result = group.main(
            args=None if arguments is None else list(arguments),
            prog_name="posthorn",
            standalone_mode=False,
            obj=session or Session(),
        )
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except (MailError, NoStack) as failure:
        return _fail(_sentence(failure))
    except (click.Abort, KeyboardInterrupt):
        return STOPPED
    except BrokenPipeError:
        # The reader of a pipe has seen enough; the interpreter must not complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as unforeseen:
        # A person at a terminal gets a sentence for what nobody foresaw, too.
        if os.environ.get("POSTHORN_DEBUG"):
            raise
        kind = type(unforeseen).__name__
        return _fail(f"Something unforeseen went wrong ({kind}); POSTHORN_DEBUG=1 shows where.")
    return result if isinstance(result, int) else 0


def _sentence(failure: MailError | NoStack) -> str:
    text = failure.public if isinstance(failure, MailError) else str(failure)
    return text if text.endswith(".") else f"{text}."


def _fail(text: str) -> int:
    click.echo(f"posthorn: {visible(text)}", err=True)
    return 1
