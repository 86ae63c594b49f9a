"""Values to feed to ports and services, as tests like to make them."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from chalicelib.domain.model import BlobRef, Delivery, DeliveryJob, Message, Origin, Scope, Status
from chalicelib.domain.numbering import MessageId, OrganizationId, ServerId
from chalicelib.domain.operations import Operation
from chalicelib.domain.report import MatchedBy, Report, ReportKind
from chalicelib.domain.tenancy.credentials import Credential, CredentialKind
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.servers import Server

NOW = 1_800_000_000


def a_server_id() -> ServerId:
    """A number that no other test uses."""
    return ServerId(1 + secrets.randbelow(2**31 - 2))


def a_message(server: ServerId, number: int, **changes: Any) -> Message:
    """An ordinary outgoing message."""
    values: dict[str, Any] = {
        "server_id": server,
        "id": MessageId(number),
        "token": secrets.token_hex(8),
        "scope": Scope.OUTGOING,
        "mail_from": "hello@acme.test",
        "rcpt_to": f"john{number}@example.com",
        "subject": "Your order is on its way",
        "message_id": f"{secrets.token_hex(16)}@acme.test",
        "received_at": NOW + 0.25,
        "size": 20_480,
        "blob": BlobRef(f"r/{server}/20270115/{secrets.token_hex(12)}", 0, 20_480),
        "origin": Origin("default", "acme.test", secrets.token_hex(6)),
    }
    return Message(**(values | changes))


def an_operation(verb: str, message: int, **changes: Any) -> Operation:
    """What a key did with a message."""
    operation = Operation(
        verb=verb,
        message=MessageId(message),
        token=f"token{message}",
        attempt=1,
        at=float(NOW),
        before='{"status":"Held"}',
        after='{"status":"Pending"}',
        actor_kind="key",
        actor_id="mkabcdefghij",
        actor_name="Größer",
        address="192.0.2.1",
        request_id="r1",
    )
    return replace(operation, **changes)


def a_job(message: Message, attempt: int = 0) -> DeliveryJob:
    """A wake-up."""
    return DeliveryJob(message, attempt)


def a_delivery(number: int, status: Status = Status.SENT, **changes: Any) -> Delivery:
    """An ordinary delivery."""
    values: dict[str, Any] = {
        "id": number,
        "status": status,
        "details": "Message for john@example.com accepted by 198.51.100.7:25 (mx.example.com)",
        "at": NOW + 1.5,
        "output": "250 2.0.0 OK queued as 4F1Xyz",
        "sent_with_ssl": True,
        "log_id": "AB12CD34",
        "seconds": 0.22,
        "tls": "TLSv1.3 TLS_AES_256_GCM_SHA384",
        "source": "192.0.2.10",
        "remote": "198.51.100.7:25 (mx.example.com)",
    }
    return Delivery(**(values | changes))


def an_organization(**changes: Any) -> Organization:
    """An organization with a random permalink."""
    number = a_server_id()
    values: dict[str, Any] = {
        "id": OrganizationId(number),
        "permalink": f"acme-{secrets.token_hex(4)}",
        "name": "Acme",
        "uuid": secrets.token_hex(16),
        "created_at": NOW,
    }
    return Organization(**(values | changes))


def a_server(organization: Organization, **changes: Any) -> Server:
    """A server of an organization, with a random permalink."""
    values: dict[str, Any] = {
        "id": a_server_id(),
        "organization_id": organization.id,
        "organization_permalink": organization.permalink,
        "permalink": f"app-{secrets.token_hex(4)}",
        "name": "App",
        "token": secrets.token_hex(3),
        "uuid": secrets.token_hex(16),
        "created_at": NOW,
    }
    return Server(**(values | changes))


def a_domain(server: Server, *, of_organization: bool = False, **changes: Any) -> Domain:
    """A verified domain of a server, or of its organization."""
    values: dict[str, Any] = {
        "name": f"{secrets.token_hex(4)}.test",
        "organization_id": server.organization_id,
        "server_id": None if of_organization else server.id,
        "uuid": secrets.token_hex(16),
        "created_at": NOW,
        "verification_token": secrets.token_hex(16),
        "dkim_identifier": "abcdef",
        "keys": (DkimKey("acme.test", "posthorn-abcdef", "rsa-sha256", b"\x00sealed", "MIIB"),),
        "verified_at": NOW,
    }
    return Domain(**(values | changes))


def a_credential(server: Server, **changes: Any) -> Credential:
    """An API credential of a server."""
    values: dict[str, Any] = {
        "id": secrets.token_hex(6),
        "server_id": server.id,
        "kind": CredentialKind.API,
        "name": "App",
        "created_at": NOW,
        "digest": secrets.token_hex(32),
        "hint": "ph_a…z",
    }
    return Credential(**(values | changes))


def a_report(
    number: int, email: MessageId, report_email: MessageId, at: float = NOW, **changes: Any
) -> Report:
    """A bounce."""
    report = Report(
        id=number,
        kind=ReportKind.BOUNCE,
        email=email,
        report_email=report_email,
        at=at,
        recipient="bob@example.com",
        cause="recipient_unknown",
        action="failed",
        status="5.1.1",
        diagnostic="smtp; 550 5.1.1 User unknown",
        remote_mta="mx.example.com",
        feedback_type=None,
        source_ip=None,
        matched_by=MatchedBy.RETURN_PATH,
        suppressed=True,
    )
    return replace(report, **changes)
