"""`posthorn installation`: what it is, and whether it is well."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli.commands import Group, changes, clear_option, fields_of
from chalicelib.cli.passwords import password_from
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, table, visible
from posthorn_client import ProblemError
from posthorn_client.models.installation import Installation

OIDC_VARIABLE = "POSTHORN_OIDC_SECRET"
installation_group = Group("installation", "The installation: its names, and whether it is well.")


@installation_group.command("show")
def show(session: Session) -> None:
    """Show the installation's names, ports and limits, and to operators what it is to have in DNS."""
    _show(session, session.client.show_installation())


@installation_group.command("set")
@click.option("--notice", help="What all who use the installation are told: a text on one line.")
@click.option("--oidc-name", help="What the button for the OpenID provider says.")
@click.option("--oidc-issuer", help="Its issuer, exactly as its tokens have it.")
@click.option("--oidc-client-id", help="What it calls this installation.")
@click.option("--oidc-secret", is_flag=True, help=f"Asks for its secret, or takes {OIDC_VARIABLE}.")
@click.option("--oidc-scope", "oidc_scopes", multiple=True, help="May be repeated.")
@click.option(
    "--oidc-create-domain",
    "oidc_create_domains",
    multiple=True,
    help="Who has a verified address of it is made a user. May be repeated.",
)
@click.option(
    "--oidc-local-sign-in/--no-oidc-local-sign-in",
    default=None,
    help="Whether passwords let in too.",
)
@clear_option("notice", "oidc")
def change(session: Session, clear: tuple[str, ...], notice: str | None, **given: Any) -> None:
    """Change what the installation tells all who use it, or the OpenID provider at which people sign in."""
    more = {"oidc": oidc} if (oidc := _oidc(given)) else {}
    _show(session, session.client.change_installation(changes(clear, notice=notice, **more)))


def _oidc(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of the provider that were given."""
    asks = given.pop("oidc_secret")
    found = fields_of(**{name.removeprefix("oidc_"): one for name, one in given.items()})
    return {**found, **({"client_secret": password_from(OIDC_VARIABLE)} if asks else {})}


def _show(session: Session, found: Installation) -> None:
    smtp = found["smtp"]
    pairs = [
        ("Version", found["version"]),
        ("Web", found["web_hostname"]),
        ("SMTP", f"{smtp['hostname']}, ports {smtp['submission']} and {smtp['submissions']}"),
        ("MX", ", ".join(found["mx"])),
        ("Return path", found["return_path_domain"]),
        ("Routes", found["route_domain"]),
        ("Track domain", found["track_domain"]),
        ("SPF include", found["spf_include"]),
        ("Scanners", ", ".join(found["scanners"]) or "none"),
        ("Largest message", f"{found['max_message_size']} bytes"),
        ("Notice", found["notice"] or "none"),
        ("OpenID provider", _provider(found)),
    ]
    rows = [(one["type"], one["name"], one["value"]) for one in found["records"] or ()]
    records = f"\n\n{table(rows, ('type', 'name', 'value'))}" if rows else ""
    session.show(found, f"{facts(pairs)}{records}")


def _provider(found: Installation) -> str:
    told, known = found["oidc"], found["oidc_settings"]
    if told is None:
        return "none"
    return told["name"] if known is None else f"{told['name']}, {known['issuer']}"


@installation_group.command("health")
def health(session: Session) -> int:
    """Ask whether stores and queues are well. The exit code is 0 only when all are."""
    try:
        told = session.client.show_health()
    except ProblemError as degraded:
        if "failing" not in degraded.members:
            raise
        told = dict(degraded.members)
    failing = told.get("failing") or []
    text = f"Failing: {', '.join(map(str, failing))}." if failing else "All is well."
    session.show(told, visible(text))
    return 1 if failing else 0


@installation_group.command("checks")
def checks(session: Session) -> int:
    """List what the installation found when it looked at itself. The exit code is 0 only when nothing fails."""
    found = session.client.list_checks()["data"]
    rows = [(one["check"], one["status"], clock_time(one["since"]), one["detail"]) for one in found]
    session.show(found, table(rows, ("check", "status", "since", "detail")))
    return 1 if any(one["status"] == "failing" for one in found) else 0


@installation_group.command("operations")
def operations(session: Session) -> None:
    """Show what the installation is at: its queues, what failed too often, and the jobs of all that are not over."""
    told = session.client.show_installation_operations()
    queues = [
        (one["pool"], str(one["messages"]), _seconds(one["oldest_seconds"]))
        for one in told["queues"] or ()
    ]
    jobs = [
        (
            one["id"],
            one["tenant"],
            one["type"],
            one["status"],
            f"{one['done'] + one['failed']}/{one['matched']}",
            one["created_by"],
            clock_time(one["created_at"]),
        )
        for one in told["jobs"] or ()
    ]
    letters = told["dead_letters"]
    parts = (
        table(queues, ("queue", "wake-ups", "oldest")),
        f"Failed too often: {'not known' if letters is None else letters}.",
        f"Events wait: {_seconds(told['outbox_lag'])}.",
        table(jobs, ("job", "tenant", "type", "status", "done", "by", "since")),
    )
    session.show(told, "\n\n".join(parts))


def _seconds(value: float | None) -> str:
    return "not known" if value is None else f"{value:.0f} s"
