"""Track domains with API v2 (api.md 2.6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.dns_records import Record, record_shown
from chalicelib.api.v2.fields import checked
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, PageQuery
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.route import route
from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.errors import NotFound
from chalicelib.domain.https_seen import ends_soon
from chalicelib.domain.tenancy import track_domains as tenancy
from chalicelib.domain.tenancy.findings import Finding, Purpose, RecordStatus
from chalicelib.ports.clock import Clock
from chalicelib.services.tracking.domains import (
    TrackDomains,
    TrackOptions,
    checked_label,
    read_hosts,
)

MOST_EXCLUDED = 100
Excluded = Annotated[
    list[Annotated[str, Field(max_length=500)]],
    Field(max_length=MOST_EXCLUDED, description="Hosts whose links stay as they are."),
    checked(read_hosts),
]


class Certificate(Answer):
    """Whether links with https work there."""

    status: Annotated[Literal["ok", "failing"], Field(description="`ok`: browsers take it.")]
    detail: Annotated[
        str, Field(description="What is wrong, or soon will be; empty where nothing is.")
    ]
    checked_at: Moment
    ends_at: Annotated[
        Moment | None, Field(description="When it ends; null where none was taken.")
    ] = None


class TrackDomain(Answer):
    """The name that links and images in the mail of one sending domain point to."""

    name: Annotated[str, Field(description="`{label}.{domain}`.")]
    domain: str
    label: str
    host: Annotated[str, Field(description="What links show.")]
    uuid: str
    created_at: Moment
    ssl_enabled: bool
    track_clicks: bool
    track_loads: bool
    excluded_click_domains: list[str]
    checked_at: Moment | None
    record: Record
    certificate: Annotated[
        Certificate | None,
        Field(
            description="What the last look found while the record was right; null before, and where links begin with"
            " http."
        ),
    ]


class TrackDomainToMake(Body):
    """A new track domain."""

    domain: Annotated[str, Field(max_length=255, description="A verified sending domain.")]
    label: Annotated[str, Field(max_length=63), checked(checked_label)] = "track"
    ssl_enabled: StrictBool = True
    track_clicks: StrictBool = True
    track_loads: StrictBool = True
    excluded_click_domains: Excluded = Field([])


class TrackDomainToChange(Patch):
    """What may be changed of it."""

    ssl_enabled: StrictBool = True
    track_clicks: StrictBool = True
    track_loads: StrictBool = True
    excluded_click_domains: Excluded = Field([])


class TrackDomainPage(ListAnswer):
    """Track domains, newest first."""

    data: list[TrackDomain]


async def list_track_domains(call: Call, query: PageQuery) -> TrackDomainPage:
    """List the track domains of the server, newest first."""
    found = await call.program[TrackDomains].of_server(call.server)
    newest = sorted(found, key=_position, reverse=True)
    told = await page(call, query, newest, _position, lambda one: _shown(call, one))
    return TrackDomainPage(**told)


async def create_track_domain(call: Call, wanted: TrackDomainToMake) -> TrackDomain:
    """Add a track domain for a verified sending domain: its record is to be published."""
    tracks = call.program[TrackDomains]
    given = wanted.model_dump(include=wanted.model_fields_set - {"domain", "label"})
    options = replace(tracks.defaults, **_kept(given))
    return _shown(call, await tracks.add(call.server, wanted.label, wanted.domain, options))


async def show_track_domain(call: Call) -> TrackDomain:
    """Show a track domain."""
    return _shown(call, await _named(call))


async def change_track_domain(call: Call, change: TrackDomainToChange) -> TrackDomain:
    """Switch what is tracked, and which hosts are excluded."""
    track, given = await _named(call), change.given()
    if given:
        options = replace(TrackOptions.of(track), **_kept(given))
        track = await call.program[TrackDomains].update(track, options)
    return _shown(call, track)


async def remove_track_domain(call: Call) -> None:
    """Remove a track domain: mail is no longer tracked. Links sent before work on."""
    await call.program[TrackDomains].remove(await _named(call))


async def check_track_domain(call: Call) -> TrackDomain:
    """Look at what is published in DNS now, and whether links with https work, and remember it."""
    return _shown(call, (await call.program[TrackDomains].check(await _named(call))).track)


async def _named(call: Call) -> tenancy.TrackDomain:
    wanted = typed_name(call.value("name"))
    for track in await call.program[TrackDomains].of_server(call.server):
        if track.id == wanted:
            return track
    raise NotFound("There is no such track domain")


def _kept(given: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(one) if isinstance(one, list) else one for name, one in given.items()}


def _shown(call: Call, track: tenancy.TrackDomain) -> TrackDomain:
    record = call.program[TrackDomains].record(track)
    other = {"name", "host", "checked_at", "record", "certificate"}
    named = {name: name for name in TrackDomain.model_fields if name not in other}
    named["checked_at"] = "dns_checked_at"
    return TrackDomain(
        **{name: getattr(track, own) for name, own in named.items()},
        name=track.id,
        host=track.name,
        record=record_shown(record, _finding(track)),
        certificate=_certificate(track, call.program[Clock].now()),
    )


def _certificate(track: tenancy.TrackDomain, now: float) -> Certificate | None:
    fault, at = track.https_fault, track.https_checked_at
    if not track.ssl_enabled or fault is None or at is None:
        return None
    return Certificate.model_validate(
        {
            "status": "failing" if fault else "ok",
            "detail": fault or ends_soon(track.https_ends_at, now),
            "checked_at": at,
            "ends_at": track.https_ends_at,
        }
    )


def _finding(track: tenancy.TrackDomain) -> Finding | None:
    """What the last look found, if there was one."""
    if track.dns_unanswered:
        return Finding(Purpose.TRACK, track.id, RecordStatus.UNKNOWN, UNANSWERED)
    if track.dns_status is None:
        return None
    status = RecordStatus(track.dns_status.value)
    return Finding(Purpose.TRACK, track.id, status, track.dns_error, track.dns_found)


def _position(track: tenancy.TrackDomain) -> str:
    return f"{track.created_at:012d} {track.id}"


UNANSWERED = "The name servers do not answer."
_READ: dict[str, Any] = {"scope": "domains:read"}
_WRITE: dict[str, Any] = {"scope": "domains:write"}
_ONE = "/track-domains/{name}"
ROUTES = (
    route("GET /track-domains", list_track_domains, TrackDomainPage, query=PageQuery, **_READ),
    route(
        "POST /track-domains",
        create_track_domain,
        TrackDomain,
        status=201,
        body=TrackDomainToMake,
        location=_ONE,
        **_WRITE,
    ),
    route(f"GET {_ONE}", show_track_domain, TrackDomain, **_READ),
    route(f"PATCH {_ONE}", change_track_domain, TrackDomain, body=TrackDomainToChange, **_WRITE),
    route(f"DELETE {_ONE}", remove_track_domain, None, status=204, **_WRITE),
    route(f"POST {_ONE}/check", check_track_domain, TrackDomain, rate="dns", **_READ),
)
