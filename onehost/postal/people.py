"""Users and members of Postal, who are told of and not brought: here people are a noun of their own."""

from __future__ import annotations

from collections import defaultdict

from chalicelib.domain.postal.rows import mark, number, text
from chalicelib.domain.postal.wanted import Fit, Note
from onehost.postal.database import Database
from onehost.postal.report import Report

WHY = "people are not brought yet"


async def tell_of_people(main: Database, report: Report) -> None:
    """A note for each, with what they are: owner, admin, operator."""
    organizations = {
        int(row["id"]): row for row in await main.all("organizations", "deleted_at IS NULL")
    }
    roles: defaultdict[int, list[str]] = defaultdict(list)
    for row in await main.all("organization_users"):
        organization = organizations.get(number(row, "organization_id") or 0)
        user = number(row, "user_id") or 0
        if organization is not None and text(row, "user_type") in (None, "User"):
            role = "owner" if organization.get("owner_id") == user else "admin"
            roles[user].append(f"{role} of {text(organization, 'permalink')}")
    for row in await main.all("users"):
        what = [*(["operator"] if mark(row, "admin") else []), *roles[int(row["id"])]]
        signed = "signs in by OIDC" if text(row, "oidc_uid") else "has a password"
        told = ", ".join([*what, signed])
        report.note(Note(Fit.LATER, f"user {text(row, 'email_address')}", f"{WHY} ({told})"))
        report.count("users", "later")
