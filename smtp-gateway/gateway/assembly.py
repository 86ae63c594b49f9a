"""A gateway made of a program and a configuration: the one place that knows its parts."""

from __future__ import annotations

import sys

from chalicelib.bootstrap import Posthorn
from chalicelib.ports.clock import Clock
from gateway.configuration import Configuration
from gateway.journal import Journal
from gateway.memory import MEBIBYTE, fitted, give_back_large_blocks, memory_of_process
from gateway.server import Gateway
from gateway.site import Services, Site
from gateway.tls import server_certificate


def make_gateway(
    program: Posthorn, configuration: Configuration, services: Services, *, stand_in: bool = False
) -> Gateway:
    """A gateway that has not been started, with limits that fit its memory; its log goes to standard output.

    `stand_in`: whether the self-signed certificate stands in for files that cannot be used. ValueError for them
    otherwise, and for a memory too small, OSError where no certificate can be made.
    """
    settings, clock = program.settings, program[Clock]
    give_back_large_blocks()
    memory = configuration.gateway_memory_mib * MEBIBYTE or memory_of_process()
    configuration = fitted(configuration, memory, settings.max_message_size)
    journal = Journal(
        sys.stdout,
        clock.now,
        addresses=configuration.log_addresses,
        least=settings.log_level,
        for_people=sys.stdout.isatty(),
    )
    certificate = server_certificate(
        configuration, settings.smtp_hostname, clock.now, journal, stand_in=stand_in
    )
    return Gateway(Site(configuration, settings, services, journal, certificate))
