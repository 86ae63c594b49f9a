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

from chalicelib.cli.commands import JSON
from chalicelib.cli.loading import OF_THE_API, add_commands
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import visible
from posthorn_client.errors import PosthornError, ProblemError, Unreachable
from posthorn_client.version import VERSION

STOPPED = 130


@click.group(
    "posthorn",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--url", metavar="URL", help="The API to use, with the key of the variable.")
@click.option("--profile", metavar="NAME", help="The profile to use, as `posthorn login` made it.")
@click.option("--local", is_flag=True, help="Open the storage itself instead of asking an API.")
@click.option(
    "--stack",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The stack.json of the local stack to use.",
)
@click.version_option(VERSION, message="posthorn %(version)s")
@click.pass_context
def command(
    context: click.Context,
    url: str | None,
    profile: str | None,
    local: bool,
    stack: Path | None,
) -> None:
    """Manage a Posthorn installation: accounts, domains, credentials, messages.

    Asks the API that --url, POSTHORN_API_URL or a profile names. On a host with a state folder it opens that instead.
    Else it takes the AWS account that the environment names, or the local stack that runs here.
    """
    session = context.ensure_object(Session)
    session.url, session.profile, session.local, session.stack_file = url, profile, local, stack


command.params.append(JSON)
add_commands(command, OF_THE_API)


def main(
    arguments: Sequence[str] | None = None,
    session: Session | None = None,
    group: click.Group = command,
) -> int:
    """Run the command line and return the exit code. `session` lets tests bring their own installation, and `group`
    is a command that has more in it."""
    session = session or Session()
    try:
        result = group.main(
            args=None if arguments is None else list(arguments),
            prog_name="posthorn",
            standalone_mode=False,
            obj=session,
        )
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except PosthornError as failure:
        return _fail(_sentence(failure, session))
    except (click.Abort, KeyboardInterrupt):
        return STOPPED
    except BrokenPipeError:
        # The reader of a pipe has seen enough; the interpreter must not complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as unforeseen:
        # What the program itself raises says what may be told; a person at a terminal gets a sentence for what nobody
        # foresaw, too.
        if isinstance(public := getattr(unforeseen, "public", None), str):
            return _fail(public)
        if os.environ.get("POSTHORN_DEBUG"):
            raise
        kind = type(unforeseen).__name__
        return _fail(f"Something unforeseen went wrong ({kind}); POSTHORN_DEBUG=1 shows where.")
    finally:
        session.close()
    return result if isinstance(result, int) else 0


def _sentence(failure: PosthornError, session: Session) -> str:
    text = str(failure)
    if isinstance(failure, Unreachable) and (way := session.other_way):
        return f"{text.rstrip('.')}; {way}"
    if isinstance(failure, ProblemError) and failure.code == "confirmation_required":
        return text.replace("?confirm=", "--confirm ")
    return text


def _fail(text: str) -> int:
    sentence = text if text.endswith(".") else f"{text}."
    click.echo(f"posthorn: {visible(sentence)}", err=True)
    return 1
