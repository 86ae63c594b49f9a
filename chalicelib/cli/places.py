"""Which installation the command talks to, and how: an API with a key, or the storage itself.

What the command line names comes first: `--local`, `--url`, `--profile`, `--stack`. Then come POSTHORN_API_URL, a state
folder that is named, POSTHORN_PROFILE or the profile `default`, an AWS account that the environment names, and at last
the local stack that runs here. No key goes anywhere but to the address that it was given for; a stack's goes to an
address of this machine alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click

from chalicelib.cli.failure import Failure
from chalicelib.cli.profiles import DEFAULT, Profile, profiles_path, read_profiles
from chalicelib.cli.stack import STATE_FOLDER, NoStack, Stack, names_aws, running_stack

API_URL, PROFILE = "POSTHORN_API_URL", "POSTHORN_PROFILE"
MANAGEMENT_KEY, SERVER_KEY = "POSTHORN_MANAGEMENT_KEY", "POSTHORN_API_KEY"


@dataclass(frozen=True, slots=True)
class Storage:
    """The storage that the environment names, or that of a local stack."""

    stack: Stack | None = None


@dataclass(frozen=True, slots=True)
class Api:
    """An API and the key to ask it with; of a local stack it knows more. `has_storage` says that a state folder is
    named besides, with which `--local` works."""

    url: str
    key: str = field(repr=False)
    tenant: str | None = None
    stack: Stack | None = None
    has_storage: bool = False

    @property
    def is_of_server(self) -> bool:
        """Whether the key is a server's, which brings its server along."""
        return not self.key.startswith("phm_")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line names."""

    local: bool = False
    url: str | None = None
    profile: str | None = None
    stack: Path | None = None

    def check(self) -> None:
        """UsageError for what cannot go together."""
        given = [self.url is not None, self.profile is not None, self.stack is not None]
        if sum(given) > 1:
            raise click.UsageError("Give one of --url, --profile and --stack.")
        if self.local and (self.url is not None or self.profile is not None):
            raise click.UsageError("With --local there is no --url and no --profile.")


def find_place(wish: Wish, environment: Mapping[str, str]) -> Storage | Api:
    """What the command talks to. UsageError, or Failure when there is nothing."""
    wish.check()
    has_storage = bool(environment.get(STATE_FOLDER))
    if wish.local:
        named = wish.stack is None and (has_storage or names_aws(environment))
        return Storage(None if named else running_stack(environment, wish.stack))
    if wish.stack is not None:
        return _of_stack(running_stack(environment, wish.stack))
    if url := wish.url or (environment.get(API_URL) if wish.profile is None else None):
        return Api(url, _key(environment), has_storage=has_storage)
    if wish.profile is None and has_storage:
        return Storage()
    if (found := _profile(wish, environment)) is not None:
        return Api(found.url, found.key, found.tenant, has_storage=has_storage)
    return Storage() if names_aws(environment) else _of_stack(running_stack(environment))


def _of_stack(stack: Stack) -> Api:
    if not stack.management_key:
        raise NoStack("This local stack has no management key: start it anew, or use --local.")
    return Api(stack.url, stack.management_key, stack=stack)


def _key(environment: Mapping[str, str]) -> str:
    if key := environment.get(MANAGEMENT_KEY) or environment.get(SERVER_KEY):
        return key
    raise click.UsageError(f"Put the key into the variable {MANAGEMENT_KEY}, or {SERVER_KEY}.")


def _profile(wish: Wish, environment: Mapping[str, str]) -> Profile | None:
    """The profile that is meant; None when there is none by default."""
    name = wish.profile or environment.get(PROFILE)
    path = profiles_path(environment)
    found = read_profiles(path).get(name or DEFAULT)
    if found is None and name:
        raise Failure(f"There is no profile {name} in {path}: make it with `posthorn login`.")
    return found
