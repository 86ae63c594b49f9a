"""Commands whose modules are loaded when they are used, so that `--help`, and every other command, stays fast."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click

# Each command of the API, where it is, and what `posthorn --help` says of it.
COMMANDS = (
    ("organization", "organizations:organization_group", "Organizations: the tenants."),
    (
        "server",
        "servers:server_group",
        "Mail servers: each has its own domains, credentials and messages.",
    ),
    (
        "domain",
        "domains:domain_group",
        "Sending domains: who may be in From, and with which keys.",
    ),
    (
        "trackdomain",
        "trackdomains:track_domain_group",
        "Track domains: count opens and clicks.",
    ),
    (
        "route",
        "routes:route_group",
        "Routes: which mail that comes in for a domain goes where.",
    ),
    (
        "endpoint",
        "endpoints:endpoint_group",
        "Endpoints: web applications, SMTP servers and addresses that routes send to.",
    ),
    (
        "credential",
        "credentials:credential_group",
        "Credentials: API keys, SMTP keys, and networks that need no key.",
    ),
    ("key", "keys:key_group", "Management keys: for programs that manage."),
    ("user", "users:user_group", "Users: people who sign in to the pages."),
    ("member", "members:member_group", "Members: who may do what in an organization."),
    (
        "invitation",
        "invitations:invitation_group",
        "Invitations: people asked to become members.",
    ),
    (
        "audit",
        "audit:audit_group",
        "The audit log: every change of the configuration, and who made it.",
    ),
    ("pool", "pools:pool_group", "Pools: each server's mail leaves by the sources of its pool."),
    ("rule", "rules:rule_group", "Pool rules: mail that leaves by another pool than its server's."),
    (
        "source",
        "sources:source_group",
        "Sources: own addresses, SOCKS5 proxies and smarthosts that a pool's mail leaves by.",
    ),
    (
        "message",
        "message_content:message_group",
        "Messages: lists, timelines, content; what a person does about one.",
    ),
    (
        "search",
        "searches:search_group",
        "Saved searches: what is often looked for, under a name.",
    ),
    (
        "report",
        "reports:report_group",
        "Bounces, delays, complaints and automatic replies to messages.",
    ),
    (
        "suppression",
        "suppressions:suppression_group",
        "Suppressions: recipients that are not written to.",
    ),
    (
        "stream",
        "streams:stream_group",
        "Streams: kinds of mail that recipients unsubscribe from.",
    ),
    (
        "webhook",
        "webhook_deliveries:webhook_group",
        "Webhooks: web applications that a server's events are posted to.",
    ),
    ("erase", "erase:erase", "Erase an address for good: its messages and whatever names it."),
    ("job", "jobs:job_group", "Jobs: what takes long, and how far it is."),
    ("statistics", "statistics:statistics_group", "Statistics: what happened to messages."),
    ("queue", "queue:queue_group", "The queue: what waits, by destination."),
    (
        "installation",
        "installation:installation_group",
        "The installation: its names, and whether it is well.",
    ),
    ("send", "send:send_command", "Send a message, as any client would."),
    ("tail", "tail:tail_command", "Follow what happens at a server until Ctrl-C."),
    (
        "export",
        "export:export_command",
        "Write a list into a file, or follow what happens at a server.",
    ),
    ("login", "login:login_command", "Keep an API's address and key."),
    ("logout", "login:logout_command", "Forget a profile and its key."),
)
Row = tuple[str, str, str]


class LoadedLater(click.Command):
    """A command, or group of commands, whose module is loaded when it is used."""

    def __init__(self, name: str, place: str, short_help: str) -> None:
        super().__init__(name, help=short_help)
        self._place = place

    @property
    def loaded(self) -> click.Command:
        """The command itself."""
        module, _, name = self._place.partition(":")
        found: click.Command = getattr(import_module(module), name)
        return found

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """A context of the command itself."""
        return self.loaded.make_context(info_name, args, parent, **extra)


def add_commands(group: click.Group, rows: tuple[Row, ...], *, loaded: bool = False) -> None:
    """Add what is installed of these commands to a group; `loaded` with their modules."""
    for name, place, short_help in rows:
        if find_spec(place.partition(":")[0]) is not None:
            later = LoadedLater(name, place, short_help)
            group.add_command(later.loaded if loaded else later)


OF_THE_API = tuple((name, f"chalicelib.cli.{place}", told) for name, place, told in COMMANDS)
