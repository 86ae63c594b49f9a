"""`python -m gateway`: run the SMTP gateway until SIGTERM or Ctrl-C, then stop in order. SIGHUP loads its certificate
again.

Settings come from `POSTHORN_*` variables (see `gateway.configuration` and `chalicelib.config`); flags win over them.
One JSON line a transaction goes to standard output.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import ssl
import sys
from collections.abc import Sequence
from dataclasses import replace

import uvloop

from chalicelib import bootstrap
from chalicelib.config import read_settings
from chalicelib.domain.errors import MailError
from gateway.assembly import make_gateway
from gateway.configuration import Configuration, read_configuration
from gateway.demonstration import demonstration
from gateway.health import serve_health
from gateway.site import Services

NUMBER_BLOCK = 100  # message numbers leased at once


def arguments() -> argparse.ArgumentParser:
    """The command line; every flag has a variable of the same meaning."""
    parser = argparse.ArgumentParser(
        prog="python -m gateway",
        description="Posthorn's SMTP gateway. Settings are POSTHORN_* variables; flags win.",
    )
    add = parser.add_argument
    add("--bind", dest="gateway_bind", metavar="ADDRESS", help="local address (127.0.0.1)")
    add("--mx-port", type=int, metavar="PORT", help="port for incoming mail (2525; -1: none)")
    add("--submission-port", type=int, metavar="PORT", help="submission with STARTTLS (2587)")
    add("--submissions-port", type=int, metavar="PORT", help="submission over TLS (2465)")
    add("--health-port", dest="gateway_health_port", type=int, metavar="PORT", help="GET /health")
    add("--certificate", dest="tls_certificate", metavar="FILE", help="TLS certificate chain, PEM")
    add("--key", dest="tls_key", metavar="FILE", help="its private key, PEM")
    add("--proxy-networks", metavar="NETWORKS", help="who must send a PROXY header")
    add("--state", metavar="FOLDER", help="where a self-signed certificate is kept (.local)")
    add(
        "--allow-plain-auth",
        action="store_true",
        default=None,
        help="AUTH without TLS for clients on loopback",
    )
    add("--memory", action="store_true", help="run alone, keep nothing, and print a demo key")
    return parser


def configure(given: argparse.Namespace) -> Configuration:
    """The environment's configuration with the flags that were given; ValueError names what is wrong."""
    flags = {name: value for name, value in vars(given).items() if value is not None}
    flags.pop("memory")
    configuration = replace(read_configuration(os.environ), **flags)
    if bool(configuration.tls_certificate) != bool(configuration.tls_key):
        raise ValueError("a TLS certificate and its key must be given together")
    return configuration


async def serve(configuration: Configuration, *, memory: bool) -> None:
    """Run until told to stop."""
    settings = read_settings(os.environ)
    live = bootstrap.in_memory(settings, live=True) if memory else None
    program = live or bootstrap.on_aws(settings, NUMBER_BLOCK)
    services = await _demonstrate(program) if memory else program[Services]
    gateway = make_gateway(program, configuration, services)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, gateway.reload_certificate)
    async with serve_health(gateway, configuration.gateway_health_port):
        await gateway.start()
        await stop.wait()
        await gateway.stop()
        if not memory:
            gateway.site.journal.event("stopped", **program.meter.snapshot().fields())


async def _demonstrate(program: bootstrap.Posthorn) -> Services:
    demo = await demonstration(program)
    print(f"domain {demo.domain}\nkey {demo.key}", flush=True)
    return demo.services


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 after an orderly stop, 1 with one sentence on standard error when it could not run."""
    given = arguments().parse_args(argv)
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's own line for each event
    try:
        configuration = configure(given)
        uvloop.run(serve(configuration, memory=given.memory))
    except (ValueError, ssl.SSLError, OSError) as error:
        print(f"posthorn gateway: {error}", file=sys.stderr)
        return 1
    except MailError as error:
        print(f"posthorn gateway: {error.public}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
