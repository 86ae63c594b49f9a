"""One's own second factors with API v2: an app's codes, recovery codes and passkeys (api.md 2.3)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.confirmation import confirmed, person_in
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, Other, PageQuery
from chalicelib.api.v2.organizations import Name
from chalicelib.api.v2.people_models import Shown
from chalicelib.api.v2.public_requests import browser_of
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.domain.people import passkeys as people
from chalicelib.services.people.confirmations import Confirmations
from chalicelib.services.people.factors import Proof
from chalicelib.services.people.failures import Failures
from chalicelib.services.people.own_factors import OwnFactors

_WITH = ("ticket", "credential", "name")


class RecoveryCodes(Answer):
    """Codes that stand in for a second factor, each once."""

    recovery_codes: Annotated[
        list[str] | None, Field(description="Shown here alone; null: those from before stay.")
    ]


class TotpSecret(Answer):
    """A secret for an app that makes codes; it is used once a code of it was sent."""

    secret: Annotated[str, Field(description="To be typed into the app.")]
    uri: Annotated[str, Field(description="The same for a QR code.")]


class TotpToEnable(Body):
    """A code that the app shows."""

    code: Shown


class TotpToDisable(Body):
    """A code that the app shows, or the password."""

    code: Shown | None = None
    password: Shown | None = None


class Passkey(Answer):
    """A passkey of oneself."""

    id: str
    name: str
    created_at: Moment
    last_used_at: Moment | None


class PasskeyMade(Passkey):
    """A passkey that was just made."""

    recovery_codes: Annotated[
        list[str] | None,
        Field(description="Where it is the first second factor; shown here alone."),
    ]


class PasskeyOptions(Answer):
    """What the browser is asked to make, and the ticket with which to send the answer."""

    ticket: str
    options: Annotated[
        dict[str, Any],
        Field(description="For `navigator.credentials.create`, as WebAuthn has them in JSON."),
    ]


class PasskeyToMake(Body):
    """Nothing, to ask for options; then the ticket and what the browser made, with a name."""

    ticket: Shown | None = None
    credential: Annotated[
        dict[str, Any] | None, Field(description="As WebAuthn has it in JSON.")
    ] = None
    name: Name | None = None


class PasskeyPage(ListAnswer):
    """Passkeys, newest first."""

    data: list[Passkey]


async def begin_totp(call: Call) -> TotpSecret:
    """Ask for a secret for an app that makes codes. The one in use stays so until a code of the new one came."""
    secret = await call.program[OwnFactors].begin_totp(person_in(call).user)
    return TotpSecret(secret=secret.text, uri=secret.uri)


async def enable_totp(call: Call, wanted: TotpToEnable) -> RecoveryCodes:
    """Switch an app's codes on. It ends one's other sessions; the first factor brings recovery codes."""
    person, failures = person_in(call), call.program[Failures]
    made = await failures.begin(person.user.email, call.request.client_address)
    codes = await call.program[OwnFactors].enable_totp(person, wanted.code)
    await failures.forgive(made)
    return RecoveryCodes(recovery_codes=list(codes) or None)


async def disable_totp(call: Call, wanted: TotpToDisable) -> None:
    """Switch an app's codes off."""
    person, confirmations = person_in(call), call.program[Confirmations]
    if (wanted.code is None) is (wanted.password is None):
        raise invalid_at("", "missing", "must have one of code and password")
    browser = browser_of(call.request)
    if wanted.code is None:
        await confirmations.check_password(person, wanted.password, browser, "password")
    else:
        proof = Proof(totp=wanted.code)
        await confirmations.check_proof(person, proof, "", browser, field="code")
    await call.program[OwnFactors].disable_totp(person)


async def renew_recovery_codes(call: Call) -> RecoveryCodes:
    """Make ten new recovery codes; those from before work no more."""
    codes = await call.program[OwnFactors].renew_codes(person_in(call))
    return RecoveryCodes(recovery_codes=list(codes))


async def list_passkeys(call: Call, query: PageQuery) -> PasskeyPage:
    """List one's passkeys, newest first."""
    found = await call.program[OwnFactors].passkeys(person_in(call).user)
    return PasskeyPage(**await page(call, query, found[::-1], _position, _fields))


async def create_passkey(call: Call, wanted: PasskeyToMake) -> PasskeyMade | Other:
    """Make a passkey: first asked with nothing, for options to give the browser, then with what it made."""
    person, own = person_in(call), call.program[OwnFactors]
    given = {name: getattr(wanted, name) for name in _WITH}
    if not any(value is not None for value in given.values()):
        options, ticket = await own.begin_passkey(person.user)
        return Other(200, PasskeyOptions(ticket=ticket, options=options))
    for name, value in given.items():
        if value is None:
            raise invalid_at(f"/{name}", "missing", "is required")
    made, codes = await own.add_passkey(
        person, wanted.ticket or "", wanted.credential or {}, wanted.name or ""
    )
    return PasskeyMade.model_validate({**_fields(made), "recovery_codes": list(codes) or None})


async def remove_passkey(call: Call) -> None:
    """Remove a passkey. With the last second factor the recovery codes go."""
    await call.program[OwnFactors].remove_passkey(person_in(call), call.value("id"))


def _fields(passkey: people.Passkey) -> dict[str, object]:
    names = ("id", "name", "created_at", "last_used_at")
    return {name: getattr(passkey, name) for name in names}


def _position(passkey: people.Passkey) -> str:
    return f"{passkey.created_at:012d} {passkey.id}"


_OWN: dict[str, Any] = {"tenant": "none", "of_people": True}
_STRONG = _OWN | {"before": confirmed}
_SECRET = _STRONG | {"shows_secret": True}
ROUTES = (
    route("POST /me/totp", begin_totp, TotpSecret, **_SECRET),
    route(
        "PUT /me/totp",
        enable_totp,
        RecoveryCodes,
        body=TotpToEnable,
        errors=frozenset({429}),
        **_OWN,
    ),
    route(
        "DELETE /me/totp",
        disable_totp,
        None,
        status=204,
        body=TotpToDisable,
        errors=frozenset({429}),
        **_OWN,
    ),
    route(
        "POST /me/recovery-codes",
        renew_recovery_codes,
        RecoveryCodes,
        **_SECRET,
    ),
    route("GET /me/passkeys", list_passkeys, PasskeyPage, query=PageQuery, **_OWN),
    route(
        "POST /me/passkeys",
        create_passkey,
        PasskeyMade,
        status=201,
        body=PasskeyToMake,
        also={200: PasskeyOptions},
        location="/me/passkeys/{id}",
        **_SECRET,
    ),
    route("DELETE /me/passkeys/{id}", remove_passkey, None, status=204, **_STRONG),
)
