"""One run of the command: how to print, which installation, which server is meant.

`Session` is what every command gets as click's context object. It opens the installation on first use, so that `--help`
and wrong usage need none.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click

from chalicelib.bootstrap import Posthorn, posthorn, run
from chalicelib.cli.shapes import shape
from chalicelib.cli.stack import NoStack, Stack, find_stack
from chalicelib.cli.terminal import json_text
from chalicelib.domain.errors import NotFound
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.servers import Server
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers

Result = TypeVar("Result")


def _open() -> Posthorn:
    try:
        return posthorn()
    except ValueError as unreadable:
        # It names the variable; no setting is a secret.
        raise NoStack(str(unreadable)) from unreadable


def _only(found: list[Result], noun: str) -> Result:
    if not found:
        raise NotFound(f"There is no {noun} yet: create one with `{noun} create`")
    if len(found) > 1:
        raise click.UsageError(f"There are several {noun}s; say which one with --{noun}.")
    return found[0]


@dataclass
class Session:
    """The state of one run. `open_installation` is replaced by tests."""

    json: bool = False
    stack_file: Path | None = None
    open_installation: Callable[[], Posthorn] = _open
    run: Callable[[Coroutine[Any, Any, Any]], Any] = field(default=run)

    @functools.cached_property
    def environment(self) -> Mapping[str, str]:
        """Where the settings are read from."""
        return os.environ

    @functools.cached_property
    def stack(self) -> Stack | None:
        """The local stack in use, None when the environment names a state folder or AWS."""
        return find_stack(self.environment, self.stack_file)

    @functools.cached_property
    def posthorn(self) -> Posthorn:
        """The installation, configured as its functions are."""
        if self.stack is not None:
            self.stack.enter(os.environ)
        return self.open_installation()

    def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of a coroutine of the installation."""
        result: Result = self.run(work)
        return result

    def show(self, value: object, text: str) -> None:
        """Print the value as JSON, what is in it by its shape, or else the text, which must have been made visible."""
        click.echo(json_text(value, default=shape) if self.json else text)

    def organization(self, permalink: str | None) -> Organization:
        """The named organization, or the only one."""
        organizations = self.posthorn[Organizations]
        if permalink is not None:
            return self.call(organizations.get(permalink))
        return _only(self.call(organizations.all()), "organization")

    def server(self, server: str | None) -> Server:
        """The server `organization/server`, or the only one there is."""
        if server is not None:
            organization, _, permalink = server.partition("/")
            if not organization or not permalink:
                raise click.UsageError("A server is named ORGANIZATION/SERVER, as demo/demo.")
            return self.call(self.posthorn[Servers].get(organization, permalink))
        return _only(self.servers(), "server")

    def servers(self) -> list[Server]:
        """Those of all organizations."""
        owners = self.call(self.posthorn[Organizations].all())
        return [each for owner in owners for each in self.call(self.posthorn[Servers].of(owner))]
