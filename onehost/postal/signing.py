"""Postal's signing key as the RSA key of the installation, so that receivers find the key that they know."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.ids import read_token
from chalicelib.domain.model import Scope
from chalicelib.domain.postal.domains import PublicKey
from chalicelib.domain.postal.wanted import Fit, Note
from chalicelib.domain.tenancy.dkim_key import RSA, DkimKey
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.installation import INSTALLATION
from chalicelib.domain.tenancy.owners import THE_INSTALLATION
from chalicelib.domain.tenancy.public_key import key_id
from chalicelib.domain.webhooks.delivery import DeliveryFilter
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.tenancy.installation import Installation
from onehost.move.configuration import servers
from onehost.postal.report import Report

HAS_SIGNED = (
    "The installation has signed with a key of its own, which receivers may know: --replace-key puts Postal's in its"
    " place"
)
NEWEST = 20


async def bring_signing_key(
    program: Posthorn, key: PublicKey, selector: str, report: Report, *, replace_key: bool
) -> None:
    """Have the installation sign with a key. PermanentFailure when it has signed with another already, unless
    `replace_key`; in a dry run that is a note."""
    settings, repository = program.settings, program[Repository]
    place = Place(THE_INSTALLATION)
    known = await repository.get_many(INSTALLATION, [place])
    if known and known[place].signing_key.public == key.public:
        report.count("signing key", "same")
        return
    if known and not replace_key and await has_signed(program):
        if not report.dry_run:
            raise PermanentFailure(HAS_SIGNED)
        report.note(Note(Fit.REFUSED, "signing key", HAS_SIGNED))
        return
    report.count("signing key", "new")
    told = f"its kid is {key_id(key.public)}, and its record {selector}._domainkey.{settings.return_path_domain}"
    report.note(Note(Fit.TOLD, "signing key", told))
    if report.dry_run:
        return
    await program[Installation].ensure()
    bare = DkimKey(settings.return_path_domain, selector, RSA, b"", key.public)
    sealed = replace(bare, wrapped=await program[KeyVault].seal(key.private, bare.context))
    await repository.modify(INSTALLATION, place, lambda one: replace(one, signing_key=sealed))


async def has_signed(program: Posthorn) -> bool:
    """Whether anything of its own has left: a message that was numbered here, whose token says so, or a request to a
    webhook."""
    for server in await servers(program):
        for scope in Scope:
            page = await program[MessageStore].page(server, scope, NEWEST)
            for record in page.values:
                message = record.message
                if read_token(message.token) == (message.server_id, message.id):
                    return True
        if (await program[WebhookDeliveries].page(server, DeliveryFilter(), 1)).values:
            return True
    return False
