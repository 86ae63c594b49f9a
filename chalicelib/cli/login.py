"""`posthorn login`: keep where an API is, and the key to it, in a profile."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

import click

from chalicelib.cli.commands import Command
from chalicelib.cli.failure import Failure
from chalicelib.cli.places import MANAGEMENT_KEY, SERVER_KEY
from chalicelib.cli.profiles import (
    DEFAULT,
    Profile,
    check_name,
    profiles_path,
    read_profiles,
    write_profiles,
)
from chalicelib.cli.session import Session, client_of
from chalicelib.cli.stack import LOOPBACK
from chalicelib.cli.terminal import visible
from posthorn_client import ProblemError


@click.command("login", cls=Command)
@click.argument("url")
@click.option("--as", "name", default=DEFAULT, show_default=True, help="The profile's name.")
@click.option(
    "--tenant",
    metavar="ORG[/SERVER]",
    help="What is meant where no organization or server is named.",
)
def login_command(session: Session, url: str, name: str, tenant: str | None) -> None:
    """Keep an API's address and key for the commands to come, in a file of this user alone.

    The key is that of POSTHORN_MANAGEMENT_KEY or POSTHORN_API_KEY, or is asked for. Key and tenant are tried first.
    """
    check_name(name)
    _warn(url)
    profile = Profile(url.rstrip("/"), _key(), tenant)
    path = profiles_path(os.environ)
    known = read_profiles(path)
    _try(profile)
    write_profiles(path, {**known, name: profile})
    told = {"profile": name, "url": profile.url, "tenant": tenant, "file": str(path)}
    session.show(told, visible(f"Signed in to {profile.url} as profile {name}, kept in {path}."))


@click.command("logout", cls=Command)
@click.argument("profile", required=False)
@click.option("--as", "name", help="The profile's name, too.  [default: default]")
def logout_command(session: Session, profile: str | None, name: str | None) -> None:
    """Forget a profile and its key. The key itself goes on working until it is revoked."""
    if profile is not None and name is not None:
        raise click.UsageError("Give either PROFILE or --as, not both.")
    name = profile or name or DEFAULT
    path = profiles_path(os.environ)
    known = read_profiles(path)
    if name not in known:
        raise Failure(f"There is no profile {name} in {path}")
    write_profiles(path, {other: one for other, one in known.items() if other != name})
    session.show({"removed": name}, visible(f"Removed the profile {name}."))


def _warn(url: str) -> None:
    """Say what is allowed, as within a private network, and hardly ever meant."""
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        click.echo(visible(f"posthorn: The key goes to {url} in the clear; use https."), err=True)


def _key() -> str:
    if given := os.environ.get(MANAGEMENT_KEY) or os.environ.get(SERVER_KEY):
        return given
    if not sys.stdin.isatty():
        raise Failure(f"A key is needed: set {MANAGEMENT_KEY}, or run this at a terminal")
    return str(click.prompt("Key", hide_input=True, err=True)).strip()


def _try(profile: Profile) -> None:
    """ProblemError when the API does not know the key, or the tenant for it. A key that may not do this is known all
    the same."""
    with client_of(profile.url, profile.key) as client:
        try:
            if profile.tenant is None:
                client.list_organizations(limit=1)
            else:
                client.list_domains(limit=1, tenant=profile.tenant)
        except ProblemError as refused:
            if refused.status != 403:
                raise
