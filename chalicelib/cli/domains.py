"""`posthorn domain`: sending domains and their DNS records."""

from __future__ import annotations

from typing import Any, get_args

import click

from chalicelib.cli.commands import (
    Group,
    changes,
    clear_option,
    fields_of,
    of_tenant,
)
from chalicelib.cli.dns_text import WRONG, is_right, records_text, to_publish, to_remove_text
from chalicelib.cli.older_fields import with_older_domain
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, table, visible, yes
from posthorn_client.models import Domain, VerificationMethod

name_argument = click.argument("name")
incoming_option = click.option(
    "--incoming/--no-incoming", default=None, help="Take mail for this domain in here."
)
any_option = click.option(
    "--use-for-any/--no-use-for-any",
    default=None,
    help="Let this domain authorise any From address.",
)
domain_group = Group("domain", "Sending domains: who may be in From, and with which keys.")


@domain_group.command("add")
@name_argument
@click.option(
    "--verification-method",
    type=click.Choice(get_args(VerificationMethod), case_sensitive=False),
    help="How the owner proves to be it  [default: DNS].",
)
@any_option
@incoming_option
@of_tenant
def add(session: Session, tenant: str | None, **given: Any) -> None:
    """Add a domain, make its keys, and print the records to publish."""
    _show(session, session.client.create_domain(fields_of(**given), tenant=tenant))


@domain_group.command("list")
@of_tenant
def list_all(session: Session, tenant: str | None) -> None:
    """List the domains of a server and of its organization, or of an organization, newest first."""
    found = list(session.client.all_domains(tenant=tenant))
    rows = [
        (
            each["name"],
            each["owner"],
            _verified(each),
            yes(each["dns_ok"]),
            yes(each["dkim_ok"]),
            yes(each["return_path_ok"]),
        )
        for each in found
    ]
    text = table(rows, ("domain", "owner", "verified", "dns", "dkim", "return path"))
    session.show([*map(with_older_domain, found)], text)


@domain_group.command("show")
@name_argument
@of_tenant
def show(session: Session, name: str, tenant: str | None) -> None:
    """Show a domain, the records to publish, and what the last check found of them."""
    _show(session, session.client.show_domain(name, tenant=tenant))


@domain_group.command("check")
@name_argument
@of_tenant
def check(session: Session, name: str, tenant: str | None) -> int:
    """Look at what is published in DNS, and remember it. The exit code is 0 only when every required record is OK."""
    return _check(session, name, tenant)


@domain_group.command("verify")
@name_argument
@click.option("--code", help="The code that was mailed.")
@click.option("--send-to", metavar="ADDRESS", help="Mail a code to this address at the domain.")
@of_tenant
def verify(
    session: Session, name: str, code: str | None, send_to: str | None, tenant: str | None
) -> int:
    """Prove whose a domain is: by its record in DNS, as `check`, or by a code that is mailed."""
    if code is not None and send_to is not None:
        raise click.UsageError("Give either --code or --send-to, not both.")
    if code is None and send_to is None:
        return _check(session, name, tenant)
    proof = fields_of(code=code, send_to=send_to)
    domain = session.client.verify_domain(name, proof, tenant=tenant)
    if send_to is None:
        _show(session, domain)
    else:
        session.show(with_older_domain(domain), visible(f"A code was mailed to {send_to}."))
    return 0


@domain_group.command("trust")
@name_argument
@of_tenant
def trust(session: Session, name: str, tenant: str | None) -> None:
    """Take a domain as verified and published, without looking. For administrators."""
    _show(session, session.client.trust_domain(name, tenant=tenant))


@domain_group.command("rotate")
@name_argument
@of_tenant
def rotate(session: Session, name: str, tenant: str | None) -> None:
    """Make the next keys of a domain. They sign once a check finds both of their records."""
    _show(session, session.client.rotate_domain(name, tenant=tenant))


@domain_group.command("set")
@name_argument
@any_option
@incoming_option
@clear_option("use_for_any", "incoming")
@of_tenant
def change(
    session: Session, name: str, clear: tuple[str, ...], tenant: str | None, **given: Any
) -> None:
    """Change a domain."""
    _show(session, session.client.change_domain(name, changes(clear, **given), tenant=tenant))


@domain_group.command("remove")
@name_argument
@of_tenant
def remove(session: Session, name: str, tenant: str | None) -> None:
    """Remove a domain and its keys: mail from it is refused from then on."""
    found = session.client.show_domain(name, tenant=tenant)["name"]
    session.client.remove_domain(name, tenant=tenant)
    session.show({"removed": found}, visible(f"Removed {found}."))


def _check(session: Session, name: str, tenant: str | None) -> int:
    domain = session.client.check_domain(name, tenant=tenant)
    records = to_publish(domain)
    rows = [(one["purpose"], one["status"] or "", one["text"]) for one in records]
    text = f"{_facts(domain)}\n\n{table(rows, ('record', 'status', 'what to do'))}"
    if wrong := [one for one in records if one["status"] in WRONG]:
        text += f"\n\nTo publish, or to change:\n\n{records_text(wrong)}"
    session.show(with_older_domain(domain), text + to_remove_text(domain))
    return 0 if all(is_right(one) for one in records if one["required"]) else 1


def _show(session: Session, domain: Domain) -> None:
    text = f"{_facts(domain)}\n\nPublish these records:\n\n{records_text(to_publish(domain))}"
    session.show(with_older_domain(domain), text + to_remove_text(domain))


def _facts(domain: Domain) -> str:
    pairs = [
        ("Domain", domain["name"]),
        ("Owner", domain["owner"]),
        ("Verified", _verified(domain)),
        ("Lapses", clock_time(domain["lapses_at"], "")),
        ("DNS", yes(domain["dns_ok"])),
        ("DKIM", yes(domain["dkim_ok"])),
        ("Return path", yes(domain["return_path_ok"])),
        ("Any From", yes(domain["use_for_any"])),
        ("Incoming", yes(domain["incoming"])),
        ("Checked", clock_time(domain["checked_at"])),
        ("Keys", ", ".join(f"{one['selector']} ({one['state']})" for one in domain["keys"])),
    ]
    return facts([(name, value) for name, value in pairs if value])


def _verified(domain: Domain) -> str:
    return clock_time(domain["verified_at"], "no")
