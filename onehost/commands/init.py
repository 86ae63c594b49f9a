"""`posthorn init`: from an installed program to a host that can send.

Asks on a terminal only; what it makes can be made without anybody there. The second time it says what there is and
changes nothing. Keys are shown once.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from chalicelib.adapters.sqlite.sealing_keys import key_file
from chalicelib.bootstrap import Posthorn
from chalicelib.cli.commands import Command
from chalicelib.cli.terminal import facts, visible
from chalicelib.config import Settings
from chalicelib.domain.dns.records import DnsRecord, is_domain_name, records_for
from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.mail.mailbox import envelope_address
from chalicelib.domain.tenancy.sources import EgressKind
from chalicelib.services.own_records import OwnRecord, own_records
from chalicelib.services.pools.reverse_names import ReverseNames
from chalicelib.services.pools.sources import Sources
from chalicelib.services.tenancy.domains import Domains
from onehost import settings_file
from onehost.commands.place_options import CONFIG, STATE
from onehost.commands.session import HostSession
from onehost.doctor.families import HostAddresses, family_finding
from onehost.doctor.finding import Finding, Findings, not_checked
from onehost.setup import first_accounts
from onehost.setup.addresses import public_addresses
from onehost.setup.first_accounts import Accounts, Wanted
from onehost.setup.new_settings import DEFAULT_STATE, write_settings

NAME = "Main"
DNS_SECONDS = 5.0
SERVICE_USER = "posthorn"
NO_NAME = "This host has no full name: name it with --hostname, as in --hostname mail.example.com"
NO_FILE = (
    "With --state alone the settings are those of the environment: set {} there, or name the"
    " settings file to write with --config"
)


@click.command("init", cls=Command, params=[CONFIG, STATE])
@click.option("--hostname", metavar="NAME", help="The full name of this host, as mail.example.com.")
@click.option("--postmaster", metavar="ADDRESS", help="Who reads what concerns this host.")
@click.option("--organization", metavar="NAME", help="The first organization [default: Main].")
@click.option("--server", metavar="NAME", help="Its first mail server [default: Main].")
@click.option("--domain", metavar="NAME", help="A domain to send from.")
def init_command(
    session: HostSession,
    hostname: str | None,
    postmaster: str | None,
    organization: str | None,
    server: str | None,
    domain: str | None,
) -> None:
    """Set this host up: settings file, state folder and key, first organization, mail server and credentials.

    Prints the DNS records to publish and what to do next. The keys of the credentials are shown this once. Run again,
    it says what there is and changes nothing.
    """
    asks = sys.stdin.isatty() and not session.json
    written = _settings(session, hostname, postmaster, asks=asks)
    session.check_state_named()
    program = session.posthorn
    found = session.call(first_accounts.accounts(program))
    if found is None:
        wanted = Wanted(
            organization or _asked(asks, "First organization", NAME),
            server or _asked(asks, "Its first mail server", NAME),
            domain or _asked(asks, "A domain to send from, if you have one", ""),
        )
        found = session.call(first_accounts.make_accounts(program, wanted))
    _show(session, found, written)


def _settings(
    session: HostSession, hostname: str | None, postmaster: str | None, *, asks: bool
) -> Path | None:
    """The settings file that was written; None when there is one, or the environment has the settings."""
    path = session.settings_path
    if path is None and not session.named_state:
        path = settings_file.DEFAULT_PATH
    if path is None or path.exists():
        _check_same(path, "smtp_hostname", hostname, session.settings.smtp_hostname)
        _check_same(path, "postmaster", postmaster, session.settings.postmaster)
        return None
    state = session.named_state or DEFAULT_STATE
    _check_user(state)
    name = hostname or _asked(asks, "The full name of this host", _own_name())
    checked = typed_name(name) or ""
    if not is_domain_name(checked):
        raise PermanentFailure(f"{name!r} is no full host name" if name else NO_NAME)
    read_by = postmaster or _asked(asks, "The address of its postmaster, who gets notices", "")
    if read_by and envelope_address(read_by) != read_by:
        raise PermanentFailure(f"{read_by!r} is no address")
    write_settings(path, checked, state, read_by)
    session.use_settings(path)
    return path


def _check_same(path: Path | None, name: str, wanted: str | None, known: str) -> None:
    """PermanentFailure when a setting is to be another than that of the host as it is set up."""
    if wanted in (None, known):
        return
    if path is None:
        raise PermanentFailure(NO_FILE.format(f"POSTHORN_{name.upper()}"))
    raise PermanentFailure(
        f"This host is already set up as {known}: change {name} in its settings instead"
        if known
        else f"This host is already set up: write {name} into its settings instead"
    )


def _check_user(state: Path) -> None:
    """PermanentFailure when root would make the folder that the service, as its own user, could not use then."""
    if os.geteuid() != 0 or state.exists():
        return
    try:
        pwd.getpwnam(SERVICE_USER)
    except KeyError:
        return
    raise PermanentFailure(
        f"The service runs as the user {SERVICE_USER}: make {state} for it, and run this as that user, as with"
        f" `runuser -u {SERVICE_USER} -- posthorn init`"
    )


def _own_name() -> str:
    name = socket.getfqdn()
    return name if "." in name and not name.startswith("localhost") else ""


def _asked(asks: bool, question: str, default: str) -> str:
    """The answer of a person at a terminal, or the default."""
    if not asks:
        return default
    answer: str = click.prompt(question, default=default, show_default=bool(default), err=True)
    return answer.strip()


def _show(session: HostSession, found: Accounts, written: Path | None) -> None:
    program, state = session.posthorn, session.state_folder
    records = own_records(session.settings, public_addresses(), found.key)
    ways = session.call(_ways_out(session.settings, program))
    names = program[Domains].names
    of_domains = {one.name: records_for(one, names) for one in found.domains}
    server = found.servers[0].full_name
    shown = {
        "new": found.is_new,
        "settings_file": None if session.settings_path is None else str(session.settings_path),
        "settings_file_written": written is not None,
        "state_folder": str(state),
        "key_file": str(key_file(state)),
        "servers": [one.full_name for one in found.servers],
        "smtp": {"username": server, "key": found.smtp_key} if found.is_new else None,
        "api": {"key": found.api_key} if found.is_new else None,
        "management_key": found.management_key,
        "records": [_record(one) for one in records],
        "families": [{"result": one.result.value, "text": one.text} for one in ways],
        "domains": [
            {"name": name, "records": [*map(_wanted, wanted)]}
            for name, wanted in of_domains.items()
        ],
        "next": list(_next(program, found)),
    }
    blocks = [_what_there_is(session, found, written), *_keys(found)]
    blocks.append("Publish these records:\n\n" + _records(records))
    for name, wanted in of_domains.items():
        theirs = [OwnRecord(one.kind, one.name, one.value, one.purpose.value) for one in wanted]
        blocks.append(f"And these for {visible(name)}:\n\n{_records(theirs)}")
    blocks.append("By what mail leaves:\n\n" + "\n".join(map(_way, ways)))
    steps = "\n".join(f"  {n}. {step}" for n, step in enumerate(_next(program, found), 1))
    blocks.append(f"What to do next:\n\n{steps}")
    session.show(shown, "\n\n".join(blocks))


async def _ways_out(settings: Settings, program: Posthorn) -> Findings:
    """By which families each source sends as things are. DNS may say nothing yet, which keeps nobody waiting."""
    sources, names = await program[Sources].all(), program[ReverseNames]
    direct = [one for one in sources if one.kind is EgressKind.DIRECT]
    try:
        async with asyncio.timeout(DNS_SECONDS):
            outward = HostAddresses(settings).found()
            return [await family_finding(settings, names, one, outward) for one in direct]
    except TimeoutError:
        return [not_checked("The name servers do not answer: `posthorn doctor` looks again")]


def _what_there_is(session: HostSession, found: Accounts, written: Path | None) -> str:
    head = "Posthorn is set up." if found.is_new else "Posthorn was set up before: nothing changed."
    path = session.settings_path
    note = " (written; look through it)" if written else ""
    state = session.state_folder
    pairs = [
        (
            "Settings file",
            "none: the environment has the settings" if path is None else f"{path}{note}",
        ),
        ("State folder", str(state)),
        (
            "Key file",
            f"{key_file(state)} (save it apart: no backup has it, and without it no secret opens)",
        ),
        ("Mail servers", ", ".join(one.full_name for one in found.servers)),
        ("Domains", ", ".join(one.name for one in found.domains) or "none yet"),
    ]
    return f"{head}\n\n{facts(pairs)}"


def _keys(found: Accounts) -> list[str]:
    if not found.is_new:
        return ["Keys were shown when they were made; `posthorn credential create` makes new ones."]
    server = found.servers[0].full_name
    pairs = [
        ("SMTP user name", server),
        ("SMTP password", found.smtp_key or ""),
        ("API key", found.api_key or ""),
        ("Management key", f"{found.management_key or ''} (it may do everything)"),
    ]
    return [f"Shown this once:\n\n{facts(pairs)}"]


def _way(one: Finding) -> str:
    return f"  {visible(one.text[:1].upper() + one.text[1:])}."


def _record(record: OwnRecord) -> dict[str, str]:
    return {
        "type": record.kind,
        "name": record.name,
        "value": record.value,
        "purpose": record.purpose,
    }


def _wanted(record: DnsRecord) -> dict[str, object]:
    return {
        "purpose": record.purpose.value,
        "type": record.kind,
        "name": record.name,
        "value": record.value,
        "required": record.required,
    }


def _records(records: Sequence[OwnRecord]) -> str:
    return "\n".join(
        visible(f"  {one.kind} {one.name}  ({one.purpose})") + f"\n    {visible(one.value)}"
        for one in records
    )


def _next(program: Posthorn, found: Accounts) -> list[str]:
    steps = ["Publish the records above, the PTR record where the address comes from."]
    if not found.domains:
        steps.append("Add a domain to send from: `posthorn domain add example.com`.")
    steps += [
        "Look what is wrong or missing: `posthorn doctor`.",
        "Start it: `posthorn serve`, or its systemd units.",
    ]
    steps += [
        f"When its records are published: `posthorn domain verify {one.name}`."
        for one in found.domains
    ]
    return steps
