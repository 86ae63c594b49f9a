"""Adds a smarthost, such as Amazon SES, as a way out: `python -m infra.smarthost --host … --username …`.

For an installation that may not use port 25 itself yet. Which installation, the environment says, as
`make deploy ARGS=--env` prints it. The password comes from SMARTHOST_PASSWORD or is asked for at the terminal; it is
sealed under the installation's key. It does not try the smarthost: the first message does.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.bootstrap import Posthorn, posthorn, run
from chalicelib.domain.errors import MailError
from chalicelib.domain.tenancy import EgressKind, EgressSource

MODES = ("required", "implicit", "opportunistic", "none")


async def add(program: Posthorn, source: EgressSource, password: str) -> None:
    """Store the source with its password sealed; Conflict when there is one of this name."""
    sealed = await program.vault.seal(password.encode(), source.context) if password else None
    kept = replace(source, sealed_password=sealed)
    await program.accounts_store.add_egress_source(kept)


def read_password(username: str, environment: Mapping[str, str]) -> str:
    """The password of a smarthost that wants one; empty without a user name."""
    if not username:
        return ""
    if given := environment.get("SMARTHOST_PASSWORD"):
        return given
    return getpass.getpass("Password: ") if sys.stdin.isatty() else ""


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m infra.smarthost", description=__doc__)
    parser.add_argument("--name", default="smarthost", help="what it is called in the log")
    parser.add_argument("--pool", default="default", help="which pool's mail goes this way")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, default=587)
    parser.add_argument("--username", default="")
    parser.add_argument("--tls", choices=MODES, default="required")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 with one sentence on standard error."""
    parsed = arguments().parse_args(given)
    password = read_password(parsed.username, os.environ)
    if parsed.username and not password:
        print("posthorn: set SMARTHOST_PASSWORD to the smarthost's password", file=sys.stderr)
        return 1
    source = EgressSource(
        parsed.name,
        pool=parsed.pool,
        kind=EgressKind.SMARTHOST,
        host=parsed.host,
        port=parsed.port,
        username=parsed.username,
        tls=parsed.tls,
    )
    try:
        run(add(posthorn(), source, password))
    except (MailError, ValueError) as error:
        print(f"posthorn: {getattr(error, 'public', error)}", file=sys.stderr)
        return 1
    print(f"mail of the pool {parsed.pool} now goes through {parsed.host}:{parsed.port}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
