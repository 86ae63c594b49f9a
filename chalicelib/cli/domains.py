"""`posthorn domain`: sending domains and their DNS records."""

from __future__ import annotations

import click

from chalicelib.cli.commands import Group, naming, options, server_option
from chalicelib.cli.session import Session
from chalicelib.cli.shapes import Shape, shape
from chalicelib.cli.terminal import facts, moment, table, visible, yes
from chalicelib.domain.dns.records import DnsRecord
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.findings import RecordStatus
from chalicelib.services.tenancy.domain_checks import DomainChecks
from chalicelib.services.tenancy.domains import Domains, Owner


def _owner(session: Session, server: str | None, organization: str | None) -> Owner:
    if server is not None and organization is not None:
        raise click.UsageError("Give either --server or --organization, not both.")
    if organization is not None:
        return session.organization(organization)
    return session.server(server)


def _find(session: Session, name: str, server: str | None, organization: str | None) -> Domain:
    owner = _owner(session, server, organization)
    return session.call(session.posthorn[Domains].find(owner, name))


owner_options = options(
    server_option,
    click.option(
        "--organization", metavar="ORG", help="The organization's own domain instead of a server's."
    ),
)
of_owner = naming(_owner, "owner", owner_options)
named_domain = naming(_find, "domain", click.argument("name"), owner_options)
domain_group = Group("domain", "Sending domains: who may be in From, and with which keys.")


@domain_group.command("add")
@click.argument("name")
@click.option("--use-for-any", is_flag=True, help="Let this domain authorise any From address.")
@of_owner
def add(session: Session, name: str, use_for_any: bool, owner: Owner) -> None:
    """Add a domain, make its keys, and print the records to publish."""
    domains = session.posthorn[Domains]
    _show(session, session.call(domains.add(owner, name, use_for_any=use_for_any)))


@domain_group.command("list")
@of_owner
def list_all(session: Session, owner: Owner) -> None:
    """List the domains of a server or organization."""
    found = session.call(session.posthorn[Domains].owned_by(owner))
    rows = [
        (each.name, _verified(each), yes(each.dkim_ok), yes(each.return_path_ok)) for each in found
    ]
    text = table(rows, ("domain", "verified", "dkim", "return path"))
    session.show(found, text)


@domain_group.command("show")
@named_domain
def show(session: Session, domain: Domain) -> None:
    """Show a domain and the records to publish."""
    _show(session, domain)


@domain_group.command("verify")
@named_domain
def verify(session: Session, domain: Domain) -> int:
    """Look at what is published in DNS, and remember it. The exit code is 0 only when every required record is OK."""
    outcome = session.call(session.posthorn[DomainChecks].check(domain))
    rows = [(each.purpose.value, each.status.value, each.text) for each in outcome.findings]
    text = f"{_facts(outcome.domain)}\n\n{table(rows, ('record', 'status', 'what to do'))}"
    session.show({**_shape(session, outcome.domain), "findings": outcome.findings}, text)
    records = session.posthorn[Domains].records(domain)
    required = {(each.purpose, each.name) for each in records if each.required}
    right = [each for each in outcome.findings if each.status is RecordStatus.OK]
    return 1 if required - {(each.purpose, each.name) for each in right} else 0


@domain_group.command("trust")
@named_domain
def trust(session: Session, domain: Domain) -> None:
    """Take a domain as verified and published, without looking. For administrators."""
    _show(session, session.call(session.posthorn[Domains].trust(domain)))


@domain_group.command("remove")
@named_domain
def remove(session: Session, domain: Domain) -> None:
    """Remove a domain and its keys: mail from it is refused from then on."""
    session.call(session.posthorn[Domains].remove(domain))
    session.show({"removed": domain.name}, f"Removed {visible(domain.name)}.")


def _show(session: Session, domain: Domain) -> None:
    records = session.posthorn[Domains].records(domain)
    text = f"{_facts(domain)}\n\nPublish these records:\n\n{_records_text(records)}"
    session.show(_shape(session, domain), text)


def _shape(session: Session, domain: Domain) -> Shape:
    return {**shape(domain), "records": session.posthorn[Domains].records(domain)}


def _records_text(records: tuple[DnsRecord, ...]) -> str:
    """Each record on lines of its own: values are too long for a table, and are there to be copied."""
    blocks = []
    for record in records:
        need = "required" if record.required else "recommended"
        head = f"{record.kind} {record.name}  ({record.purpose.value}, {need})"
        blocks.append(f"  {visible(head)}\n    {visible(record.value)}")
    return "\n".join(blocks)


def _facts(domain: Domain) -> str:
    return facts(
        [
            ("Domain", domain.name),
            ("Owner", "organization" if domain.server_id is None else "server"),
            ("Verified", _verified(domain)),
            ("DKIM", yes(domain.dkim_ok)),
            ("Return path", yes(domain.return_path_ok)),
        ]
    )


def _verified(domain: Domain) -> str:
    return "no" if domain.verified_at is None else moment(domain.verified_at)
