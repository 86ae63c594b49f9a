"""The installation with API v2: what clients need to know of it, how it is, and its numbers (api.md 2.20)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib import VERSION
from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram
from chalicelib.api.json_body import render_json
from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.confirmation import confirmed
from chalicelib.api.v2.dns_records import Record
from chalicelib.api.v2.fields import checked
from chalicelib.api.v2.objects import JSON_TYPE, Answer, ListAnswer, Moment
from chalicelib.api.v2.oidc import (
    OidcService,
    OidcSettings,
    OidcToChange,
    change_oidc,
    oidc_settings,
)
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.route import route
from chalicelib.config import Settings, SubmissionPorts
from chalicelib.domain.jobs import JobStatus
from chalicelib.domain.prometheus import CONTENT_TYPE
from chalicelib.domain.tenancy.check_findings import CheckStatus
from chalicelib.domain.tenancy.scopes import INSTALLATION_WRITE
from chalicelib.ports.scanners import Scanners
from chalicelib.services.checks import CheckInstallation
from chalicelib.services.events.metrics import Metrics
from chalicelib.services.health import Health
from chalicelib.services.own_records import OwnRecords
from chalicelib.services.people.oidc_providers import OidcProviders
from chalicelib.services.tenancy.notices import LONGEST, Notices, checked_notice
from chalicelib.services.workload import Workload

INSTALLATION_READ = "installation:read"
NOT_KEPT = {"Cache-Control": "no-store"}


class SmtpService(Answer):
    """Where mail is submitted by SMTP."""

    hostname: str
    submission: int
    submissions: int


class Installation(Answer):
    """What clients need to know of the installation."""

    version: str
    web_hostname: str
    smtp: SmtpService
    mx: list[str]
    return_path_domain: str
    route_domain: str
    track_domain: str
    spf_include: str
    scanners: list[str]
    max_message_size: int
    oidc: OidcService | None
    oidc_settings: Annotated[
        OidcSettings | None, Field(description="For operators alone, null for others.")
    ]
    notice: Annotated[str | None, Field(description="What operators tell all who use it.")]
    records: Annotated[
        list[Record] | None,
        Field(
            description="What the installation itself is to have in DNS, as far as it knows its addresses: for"
            " operators alone, null for others. Nobody looked (`status` is null): the check `dns` does."
        ),
    ]


class InstallationToChange(Patch):
    """What may be changed of it."""

    oidc: Annotated[
        OidcToChange | None,
        Field(description="The OpenID provider at which people sign in; null: none."),
    ] = None
    notice: Annotated[
        Annotated[str, Field(min_length=1, max_length=LONGEST), checked(checked_notice)] | None,
        Field(description="A text on one line."),
    ] = None


async def show_installation(call: Call) -> Installation:
    """Show names, ports and limits of the installation."""
    settings, ports = call.program[Settings], call.program[SubmissionPorts]
    provider = await call.program[OidcProviders].read()
    is_operator = INSTALLATION_READ in call.caller.scopes
    return Installation(
        version=VERSION,
        web_hostname=settings.web_hostname,
        smtp=SmtpService(
            hostname=settings.smtp_hostname,
            submission=ports.submission,
            submissions=ports.submissions,
        ),
        mx=list(settings.mx_host_names),
        return_path_domain=settings.return_path_domain,
        route_domain=settings.route_domain,
        track_domain=settings.track_domain,
        spf_include=settings.spf_include,
        scanners=list(call.program[Scanners].names),
        max_message_size=settings.max_message_size,
        oidc=None if provider is None else OidcService(name=provider.label),
        oidc_settings=oidc_settings(provider) if is_operator else None,
        notice=await call.program[Notices].read(),
        records=await _records(call) if is_operator else None,
    )


async def change_installation(call: Call, change: InstallationToChange) -> Installation:
    """Change what the installation tells all who use it, or the OpenID provider at which they sign in."""
    given = change.given()
    if "oidc" in given:
        await change_oidc(call, given["oidc"])
    if "notice" in given:
        await call.program[Notices].write(given["notice"])
    return await show_installation(call)


async def _before_changing(call: Call, change: InstallationToChange) -> None:
    if "oidc" in change.given():
        call.caller.require_everything()
        await confirmed(call)


async def _records(call: Call) -> list[Record]:
    return [
        Record(
            purpose=one.role,
            type=one.kind,
            name=one.name,
            value=one.value,
            required=one.required,
            status=None,
            found=[],
            text="",
            suggestion=None,
        )
        for one in await call.program[OwnRecords].wanted()
    ]


class FoundCheck(Answer):
    """What a check found."""

    check: Annotated[str, Field(validation_alias="name", examples=["storage"])]
    status: CheckStatus
    since: Annotated[Moment, Field(description="Since when it ends so.")]
    detail: Annotated[str, Field(description="What is wrong; empty where nothing is.")]


class CheckPage(ListAnswer):
    """Every check, what is worst first, in one answer."""

    data: list[FoundCheck]


async def list_checks(call: Call) -> CheckPage:
    """List what the installation found when it looked at itself, within the last minute, in the DNS within an hour."""
    found = await call.program[CheckInstallation].findings()
    data = [FoundCheck.model_validate(one) for one in found]
    return CheckPage(data=data, has_more=False, next_cursor=None)


class QueueNow(Answer):
    """A queue of the installation."""

    pool: str
    messages: Annotated[int, Field(description="Wake-ups, those for later included.")]
    oldest_seconds: Annotated[
        float | None,
        Field(description="How long the oldest that is due waits; null where nobody knows."),
    ]


class OpenJob(Answer):
    """A job of a tenant that is not over."""

    id: str
    tenant: Annotated[str, Field(examples=["acme/mail"])]
    type: str
    status: JobStatus
    matched: int
    done: int
    failed: int
    created_by: str
    created_at: Moment


class InstallationLoad(Answer):
    """What the installation is at. A part that could not be found out now is null."""

    queues: list[QueueNow] | None
    dead_letters: Annotated[
        int | None, Field(description="Wake-ups that failed too often and are not held yet.")
    ]
    outbox_lag: Annotated[
        float | None,
        Field(
            description="How many seconds the oldest change waits to be told; null also where nobody counts it."
        ),
    ]
    jobs: Annotated[
        list[OpenJob] | None,
        Field(description="Jobs of all tenants that are not over, at most 100, oldest first."),
    ]
    has_more_jobs: bool


async def show_installation_operations(call: Call) -> InstallationLoad:
    """Show what the installation is at: queues, what failed too often, and jobs of all tenants that are not over."""
    return InstallationLoad.model_validate(await call.program[Workload].read())


async def show_health(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """Ask whether stores and queues are well; 503 with the names of those that fail."""
    failing = await program[Health].failing()
    told = {"status": "degraded", "failing": failing} if failing else {"status": "ok"}
    return HttpAnswer(503 if failing else 200, render_json(told), JSON_TYPE | NOT_KEPT)


async def show_metrics(call: Call) -> HttpAnswer:
    """Show the numbers of the whole installation as Prometheus reads them."""
    text = await call.program[Metrics].text()
    return HttpAnswer(200, text, {"Content-Type": CONTENT_TYPE, **NOT_KEPT})


ROUTES = (
    route("GET /installation", show_installation, Installation, tenant="none"),
    route(
        "PATCH /installation",
        change_installation,
        Installation,
        body=InstallationToChange,
        before=_before_changing,
        tenant="none",
        scope=INSTALLATION_WRITE,
    ),
    route(
        "GET /health",
        show_health,
        "application/json",
        is_public=True,
        note='200 is `{"status": "ok"}`, 503 `{"status": "degraded", "failing": ["mail_table"]}`.',
    ),
    route(
        "GET /installation/checks",
        list_checks,
        CheckPage,
        tenant="none",
        scope=INSTALLATION_READ,
    ),
    route(
        "GET /installation/operations",
        show_installation_operations,
        InstallationLoad,
        tenant="none",
        scope=INSTALLATION_READ,
    ),
    route(
        "GET /metrics",
        show_metrics,
        CONTENT_TYPE,
        tenant="none",
        scope=INSTALLATION_READ,
        reads_itself=True,
    ),
)
