"""Users of Postal and what they are in its organizations, as ours.

Postal has two roles: its global administrators operate the installation here, and everybody else may do everything in
the organizations that they are in: the owner as owner, all others as admin. A password stays the digest that it is
there until its user signs in for the first time.
"""

from __future__ import annotations

from chalicelib.domain.mail.mailbox import LONGEST_MAILBOX, envelope_address
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.people.members import MEMBERS, Member
from chalicelib.domain.people.passwords import is_foreign
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.users import USERS, User
from chalicelib.domain.postal.rows import Row, id_of, mark, moment, number, text, uuid_of
from chalicelib.domain.postal.tenants import Found, plain_name
from chalicelib.domain.postal.time_zones import iana_zone
from chalicelib.domain.postal.wanted import Note, Wanted, refused, told

LONGEST_SUBJECT = 255
CHOOSE = "it has no password that is known here: a link to choose one can be mailed"
NO_ISSUER = "it signs in by OIDC, and Postal does not say at which issuer: found by its address"


def user_of(row: Row) -> Found:
    """A user."""
    given = text(row, "email_address") or ""
    what = f"user {given}"
    email = envelope_address(given)
    if email is None or len(email.encode()) > LONGEST_MAILBOX:
        return None, [refused(what, "its address is none that mail can be sent to")]
    zone = iana_zone(text(row, "time_zone"))
    issuer, subject = _identity(row)
    value = User(
        id=f"us{id_of(row, 'users')}",
        email=email.lower(),
        created_at=moment(row, "created_at") or 0,
        first_name=plain_name(text(row, "first_name"), ""),
        last_name=plain_name(text(row, "last_name"), ""),
        time_zone=zone or "UTC",
        admin=mark(row, "admin"),
        password="" if subject else _password(row),
        oidc_issuer=issuer,
        oidc_subject=subject,
    )
    notes = _notes(row, what, value)
    if zone is None:
        notes.append(told(what, f"its time zone {text(row, 'time_zone')} is not known: UTC"))
    return Wanted("users", uuid_of(row, "users"), what, USERS, value), notes


def member_of(
    organization: OrganizationId, permalink: str, user: User, created_at: int, *, is_owner: bool
) -> Wanted:
    """What a user is in an organization of ours."""
    role = Role.OWNER if is_owner else Role.ADMIN
    value = Member(organization, user.id, role, created_at)
    what = f"member {user.email} of {permalink}"
    return Wanted("organization_users", user.id, what, MEMBERS, value)


def members_of(rows: list[Row], organization: Row) -> dict[int, int]:
    """The users of an organization by Postal's numbers, the owner among them, and since when each is."""
    own = number(organization, "id")
    found = {
        number(row, "user_id") or 0: moment(row, "created_at") or 0
        for row in rows
        if number(row, "organization_id") == own and text(row, "user_type") in (None, "User")
    }
    owner = number(organization, "owner_id")
    if owner is not None:
        found.setdefault(owner, moment(organization, "created_at") or 0)
    return found


def _identity(row: Row) -> tuple[str, str]:
    """Issuer and subject of a user who signs in by OIDC; empty where one is not said."""
    issuer, subject = text(row, "oidc_issuer"), text(row, "oidc_uid")
    if issuer is None or subject is None or len(subject) > LONGEST_SUBJECT:
        return "", ""
    return issuer, subject


def _password(row: Row) -> str:
    digest = text(row, "password_digest") or ""
    return digest if is_foreign(digest) else ""


def _notes(row: Row, what: str, user: User) -> list[Note]:
    if text(row, "oidc_uid") and not user.oidc_subject:
        return [told(what, NO_ISSUER)]
    return [] if user.password or user.oidc_subject else [told(what, CHOOSE)]
