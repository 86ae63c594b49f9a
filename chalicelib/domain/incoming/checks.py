"""How an incoming message may end before an endpoint has it: the decisions of the steps.

A check looks at the attempt's record and facts and returns a decision, or None to let the message go on. The order is
that of contract section 5; `chalicelib.services.incoming.pipeline` has it.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.tenancy.endpoints import Endpoint
from chalicelib.domain.tenancy.routes import Route
from chalicelib.domain.tenancy.servers import Server


@dataclass(frozen=True, slots=True)
class Facts:
    """What the checks need to know. `route` and `endpoint` are None where they are gone or there never were any.
    `manual`: a person released or retried it."""

    server: Server
    route: Route | None
    endpoint: Endpoint | None
    max_attempts: int
    manual: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the message for a person."""

    details: str


@dataclass(frozen=True, slots=True)
class Fail:
    """Give the message up; with `bounces` its sender is told, if it has one and may be told."""

    details: str
    bounces: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """The message is done with, and went nowhere else: status Processed."""

    details: str


Decision = Hold | Fail | Process
