"""One run of the command: how to print, which installation, which server is meant.

`Session` is what every command gets as click's context object. It looks for the installation on first use, so that
`--help` and wrong usage need none.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

import click

from chalicelib.cli.failure import Failure
from chalicelib.cli.places import Api, Storage, Wish, find_place
from chalicelib.cli.stack import LOOPBACK, NAME_STORAGE, Stack, clock_offset, names_aws
from chalicelib.cli.terminal import json_text

if TYPE_CHECKING:
    import ssl

    from posthorn_client import Client

Result = TypeVar("Result")
# A command is run again by whoever waits for it; it does not wait itself for an API that is busy.
LONGEST_WAIT = 5.0


def only(found: Iterator[Result], noun: str, named: str) -> Result:
    """The only one; Failure for none, UsageError for several, which says how one of them is named."""
    first = list(islice(found, 2))
    if not first:
        raise Failure(f"There is no {noun} yet: create one with `{noun} create`.")
    if len(first) > 1:
        raise click.UsageError(f"There are several {noun}s; say which one with {named}.")
    return first[0]


@dataclass
class Session:
    """The state of one run. Tests bring their own `open_installation` and `run`."""

    json: bool = False
    stack_file: Path | None = None
    local: bool = False
    url: str | None = None
    profile: str | None = None
    open_installation: Callable[[], Any] | None = None
    run: Callable[[Coroutine[Any, Any, Any]], Any] | None = None

    @functools.cached_property
    def environment(self) -> Mapping[str, str]:
        """Where the settings are read from."""
        return os.environ

    @property
    def wish(self) -> Wish:
        """What the command line names."""
        return Wish(self.local, self.url, self.profile, self.stack_file)

    @functools.cached_property
    def place(self) -> Storage | Api:
        """What the command talks to."""
        return find_place(self.wish, self.environment)

    @property
    def stack(self) -> Stack | None:
        """The local stack in use, None for another installation."""
        return self.place.stack

    @property
    def other_way(self) -> str:
        """How to open the storage itself, where an API of this machine is asked, or one beside a storage that is known;
        empty when neither is so."""
        place = self.__dict__.get("place")
        if not isinstance(place, Api):
            return ""
        if place.has_storage or place.stack is not None:
            return "with --local the storage itself is opened"
        return f"to open its storage instead, {NAME_STORAGE}" if _is_here(place.url) else ""

    @functools.cached_property
    def client(self) -> Client:
        """The API."""
        place = self.place
        if isinstance(place, Storage):
            from chalicelib.cli.local.in_process import InProcess
            from posthorn_client import Client

            return Client(InProcess(lambda: self.posthorn, self.call), retries=0)
        return client_of(place.url, place.key)

    @functools.cached_property
    def posthorn(self) -> Any:
        """The installation itself, for what has no operation. Failure when only its API is known."""
        place = self.place
        if isinstance(place, Api) and place.stack is None:
            known = place.has_storage or names_aws(self.environment)
            own = f"{NAME_STORAGE}; --local opens that of the local stack that runs here"
            way = "run it with --local" if known else own
            raise Failure(f"This looks into the storage, and only an API is named: {way}.")
        if self.open_installation is not None and place.stack is None:
            return self.open_installation()
        from chalicelib.cli.local.opening import enter, open_installation

        if self.open_installation is None:
            return open_installation(place.stack)
        if place.stack is not None:
            enter(place.stack, os.environ)
        return self.open_installation()

    def close(self) -> None:
        """Let go of connections."""
        if (client := self.__dict__.get("client")) is not None:
            client.close()

    def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of a coroutine of the installation."""
        if self.run is None:
            from chalicelib.cli.local.opening import run

            return run(work)
        return cast("Result", self.run(work))

    def now(self) -> float:
        """Epoch seconds, by the installation's clock where that is in hand."""
        if isinstance(self.place, Api):
            return time.time() + (clock_offset(self.place.stack) if self.place.stack else 0.0)
        from chalicelib.cli.local.clock import clock_of

        return clock_of(self.posthorn)

    def show(self, value: object, text: str) -> None:
        """Print the value as JSON, or else the text, which must have been made visible."""
        click.echo(json_text(value) if self.json else text)

    @property
    def tenant(self) -> str | None:
        """The tenant that is meant where none is named: the profile's."""
        return self.place.tenant if isinstance(self.place, Api) else None

    def organization(self, permalink: str | None) -> str:
        """The permalink that is given, or that of the only organization."""
        if permalink is not None:
            return permalink
        if self.tenant is not None:
            return self.tenant.partition("/")[0]
        found = self.client.all_organizations(limit=2)
        return only(found, "organization", "--organization")["permalink"]

    def server(self, server: str | None, named: str = "--server") -> str | None:
        """The server `organization/server` that is given, or the only one there is; None for that of a server key.
        `named` is how the command line gives it."""
        if server is not None:
            parts = server.split("/")
            if len(parts) != 2 or not all(parts):
                raise click.UsageError("A server is named ORGANIZATION/SERVER, as demo/demo.")
            return server
        if self.tenant is not None and "/" in self.tenant:
            return self.tenant
        if isinstance(self.place, Api) and self.place.is_of_server:
            return None
        found = self.client.all_servers(limit=2, organization=self.tenant)
        return only(found, "server", named)["server"]


def client_of(url: str, key: str) -> Client:
    """The API at an address. The certificate of this machine itself is not checked: the local stack signs its own."""
    from posthorn_client import Client, HttpTransport

    try:
        transport = HttpTransport(url, context=_context(url))
        return Client(transport, key, longest_wait=LONGEST_WAIT)
    except ValueError as wrong:
        raise Failure(f"{url} cannot be reached: {wrong}.") from wrong


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK


def _context(url: str) -> ssl.SSLContext | None:
    if urlsplit(url).scheme != "https" or not _is_here(url):
        return None
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
