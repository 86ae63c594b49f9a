"""What links in mail lead to, with API v2: a password chosen anew, an address confirmed (api.md 2.3).

No credential is needed but the link; nothing is told of who has an address.
"""

from __future__ import annotations

from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram
from chalicelib.api.v2.objects import Body
from chalicelib.api.v2.people_models import Password, Shown
from chalicelib.api.v2.public_requests import browser_of, read_public
from chalicelib.api.v2.quota_fields import fields_of
from chalicelib.api.v2.route import route
from chalicelib.services.people.email_changes import EmailChanges
from chalicelib.services.people.password_resets import PasswordResets


class PasswordToReset(Body):
    """Whose password is forgotten."""

    email: Shown


class PasswordToChoose(Body):
    """A new password."""

    password: Password


class Following(Body):
    """Nothing: the link says it all."""


async def ask_for_password_reset(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """Ask for a link to choose a new password. The answer is the same whether or not somebody has the address."""
    wanted = read_public(program, request, PasswordToReset)
    quota = await program[PasswordResets].ask(wanted.email)
    return HttpAnswer(202, "", fields_of(quota))


async def reset_password(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """Choose the new password. The link works once, and all sessions end."""
    wanted = read_public(program, request, PasswordToChoose)
    token = request.path_values["token"]
    await program[PasswordResets].use(token, wanted.password, browser_of(request))
    return HttpAnswer(204, "", {})


async def confirm_email_change(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """Confirm a new address by the link that went to it. All sessions end."""
    read_public(program, request, Following)
    await program[EmailChanges].use(request.path_values["token"], browser_of(request))
    return HttpAnswer(204, "", {})


_ERRORS = frozenset({403, 413, 415, 422, 503})
ROUTES = (
    route(
        "POST /password-resets",
        ask_for_password_reset,
        None,
        status=202,
        body=PasswordToReset,
        tenant="none",
        is_public=True,
        errors=_ERRORS | {429},
    ),
    route(
        "PUT /password-resets/{token}",
        reset_password,
        None,
        status=204,
        body=PasswordToChoose,
        tenant="none",
        is_public=True,
        errors=_ERRORS | {404},
    ),
    route(
        "PUT /email-changes/{token}",
        confirm_email_change,
        None,
        status=204,
        body=Following,
        tenant="none",
        is_public=True,
        errors=_ERRORS | {404},
    ),
)
