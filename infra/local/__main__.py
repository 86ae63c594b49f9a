"""`python -m infra.local`: the command line of the local stack."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

DESCRIPTION = "Run all of Posthorn on this machine, in the foreground, until Ctrl-C."
SWITCHES = """\
environment:
  POSTHORN_STATE                  folder of all local state (.local)
  POSTHORN_FRESH=1                empty that folder first
  POSTHORN_HTTP_PORT, POSTHORN_MX_PORT, POSTHORN_SUBMISSION_PORT, POSTHORN_SUBMISSIONS_PORT,
  POSTHORN_INBOX_PORT, POSTHORN_AWS_PORT, POSTHORN_DNS_PORT
                                  8000, 2525, 2587, 2465, 2526, 4566, 5354; 0 takes any free port
  POSTHORN_DNS=host:port          ask this DNS server instead of the local zone
  POSTHORN_DELIVERY_PORT          port of receiving servers, instead of the inbox's
  POSTHORN_ALLOW_PLAIN_AUTH=1     let clients on loopback sign in without TLS
  POSTHORN_RELOAD=0               keep running what runs when the code changes
  POSTHORN_KILL_AT                crash point at which the process that delivers dies once

with an emulator of AWS, which any of the first four asks for:
  POSTHORN_ENGINE=aws             functions and gateway on an emulator, instead of one program on SQLite
  AWS_ENDPOINT_URL                use this AWS endpoint instead of the built-in emulator
  POSTHORN_FUNCTIONS=deployed     run the packaged functions in the emulator's Lambdas, without a runner
  POSTHORN_EMULATOR=localstack    LocalStack in place of ministack; needs Python 3.13
  POSTHORN_RUNNERS                worker processes that run the functions (1)
  POSTHORN_RUNNER_DUPLICATE_PERCENT, POSTHORN_RUNNER_REORDER=1
                                  hand out messages twice, or in another order

Facts for tools are in stack.json of the state folder, logs in its folder logs.
Exit code: 0 after a stop, 1 when the stack could not run on, 2 for a wrong setting, 130 when stopped while starting.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stack; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local",
        description=DESCRIPTION,
        epilog=SWITCHES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    os.umask(0o077)
    try:
        return _run()
    except KeyboardInterrupt:  # before anything was started
        return 130


def _run() -> int:
    # Imported here, so that Ctrl-C is heeded meanwhile.
    from infra.local.plan import PlanError, make_plan
    from infra.local.supervisor import run

    try:
        return run(make_plan(os.environ))
    except PlanError as error:
        print(f"posthorn: {error}", flush=True)
        return 2


if __name__ == "__main__":
    sys.exit(main())
