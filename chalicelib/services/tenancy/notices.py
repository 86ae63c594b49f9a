"""The notice that all who use the installation are shown."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from chalicelib.domain.errors import wrong_field
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.installation import NOTICE, Notice
from chalicelib.domain.tenancy.owners import THE_INSTALLATION
from chalicelib.ports.acting import acting, who_acts
from chalicelib.ports.repository import Repository

LONGEST = 500


def checked_notice(text: str) -> str:
    """The text; InvalidRequest unless it is 1 to LONGEST characters on one line."""
    if not 0 < len(text) <= LONGEST or any(
        unicodedata.category(one) in ("Cc", "Cs") for one in text
    ):
        detail = f"The notice must have 1 to {LONGEST} characters, and no line break"
        raise wrong_field("notice", detail)
    return text


class Notices:
    """Reads and changes it."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def read(self) -> str | None:
        """As it is at this moment."""
        found = await self._known()
        return None if found is None else found.notice

    async def write(self, text: str | None) -> None:
        """Show this from now on, or (None) nothing. Conflict, TemporaryFailure."""
        before = await self._known()
        if (before.notice if before else None) == text:
            return
        who = who_acts()
        # What was never told is a change of the installation too.
        with acting(None if who is None else replace(who, verb="update")):
            verb = Verb.REPLACE if before else Verb.ADD
            await self._repository.change(Change(verb, NOTICE, Notice(text)))

    async def _known(self) -> Notice | None:
        place = Place(THE_INSTALLATION)
        return (await self._repository.get_many(NOTICE, [place])).get(place)
