"""`posthorn doctor`: runs the checks, says what is wrong and what to do, and ends with 1 when something failed."""

from __future__ import annotations

from ipaddress import ip_address

import click

from chalicelib.bootstrap import Posthorn
from chalicelib.cli.commands import Command
from chalicelib.cli.terminal import visible
from chalicelib.domain.errors import PermanentFailure
from gateway.configuration import read_configuration
from onehost.commands.place_options import CONFIG, STATE
from onehost.commands.session import HostSession
from onehost.doctor.examination import SETTINGS, about, examine, unexamined
from onehost.doctor.finding import Findings, Result, failed, ok
from onehost.doctor.host import DEFAULT_MX, DEFAULT_TIME, Host
from onehost.options import read_options

Report = list[tuple[str, Findings]]


def _address(text: str) -> str:
    return str(ip_address(text))


@click.command("doctor", cls=Command, params=[CONFIG, STATE])
@click.option(
    "--address",
    "addresses",
    multiple=True,
    type=_address,
    metavar="ADDRESS",
    help="The public address of this host, if it is behind a router; may be repeated.",
)
@click.option(
    "--mx",
    default=DEFAULT_MX,
    show_default=True,
    metavar="DOMAIN|HOST:PORT",
    help="Whose mail server must be reachable.",
)
@click.option(
    "--time-from",
    default=DEFAULT_TIME,
    show_default=True,
    metavar="SERVER|URL",
    help="Who knows the time: an NTP server, or a URL whose answer has a Date.",
)
def doctor_command(
    session: HostSession, addresses: tuple[str, ...], mx: str, time_from: str
) -> int:
    """Check what a mail server needs: disk, ports, names in DNS, a way out, the clock.

    Each line says ok, warning, failed, or not checked and why; what failed comes with its cause and what to do. The
    exit code is 1 when something failed.
    """
    report = _report(session, addresses, mx, time_from)
    is_well = all(one.result is not Result.FAILED for _, found in report for one in found)
    shown = {"ok": is_well, "checks": [_check(name, found) for name, found in report]}
    session.show(shown, "\n".join(line for name, found in report for line in _lines(name, found)))
    return 0 if is_well else 1


def _report(session: HostSession, addresses: tuple[str, ...], mx: str, time_from: str) -> Report:
    try:
        is_stack = session.use_stack()
        session.check_state_named()
        environment = session.environment
        settings = session.settings
        configuration, options = read_configuration(environment), read_options(environment)
        _ = options.http_proxies  # read when they are first needed
    except (PermanentFailure, ValueError) as wrong:
        step = "Correct it in the settings file, or in the environment; docs/reference/settings.md has all of them"
        text = wrong.public if isinstance(wrong, PermanentFailure) else str(wrong)
        return [(SETTINGS, [failed(text, step)]), *unexamined("the settings cannot be read")]
    program = Posthorn(settings, "sqlite")
    host = Host(settings, configuration, options, program, addresses, mx, time_from)
    source = "the local stack" if is_stack else session.settings_path or "the environment"
    return [(SETTINGS, [ok(f"read from {source}")]), *session.call(examine(host))]


def _check(name: str, found: Findings) -> dict[str, object]:
    return {
        "check": name,
        "about": about(name),
        "findings": [
            {"result": one.result.value, "text": one.text, "next_step": one.next_step or None}
            for one in found
        ],
    }


def _lines(name: str, found: Findings) -> list[str]:
    lines = []
    for one in found:
        lines.append(f"{one.result.value:<11}  {name:<12}  {visible(one.text)}")
        if one.next_step:
            lines.append(f"{'':<27}→ {visible(one.next_step)}")
    return lines
