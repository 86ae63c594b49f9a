"""Who owns what people have: the kinds of owners, each with its short code, which never changes."""

from __future__ import annotations

from chalicelib.domain.tenancy.entity import Owner

ALL_USERS = Owner("USERS")
ENDS_OF_SESSIONS = Owner("SESSION-ENDS")
ENDS_OF_TICKETS = Owner("TICKET-ENDS")
ENDS_OF_INVITATIONS = Owner("INVITATION-ENDS")


def of_user(user: str) -> Owner:
    """What belongs to a user, and the user."""
    return Owner("US", user)


def of_email(email: str) -> Owner:
    """Whose address it is, in lower case; and the invitations to it."""
    return Owner("EM", email)


def of_subject(issuer: str, subject: str) -> Owner:
    """Whom an OpenID provider calls so."""
    return Owner("OP", f"{issuer} {subject}")


def of_session(digest: str) -> Owner:
    """The session of a token, by the SHA-256 hex digest of the token."""
    return Owner("SN", digest)


def of_ticket(digest: str) -> Owner:
    """The ticket of a token, by its digest."""
    return Owner("TK", digest)


def of_invitation(digest: str) -> Owner:
    """The invitation of a token, by its digest."""
    return Owner("IN", digest)


def ending(moment: int, name: str) -> str:
    """A name by which what ends is listed, the earliest first."""
    return f"{moment:012d} {name}"
