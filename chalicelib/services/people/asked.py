"""What people are told when they must show more of who they are: a ticket, the ways to do so, and a challenge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.errors import Refused, Unauthenticated


class SecondFactorRequired(Unauthenticated):
    """The password is right, and a second factor must be shown with this ticket."""

    code = "second_factor_required"

    def __init__(
        self, ticket: str, methods: tuple[str, ...], challenge: Mapping[str, Any] | None
    ) -> None:
        super().__init__("A second factor is required")
        self.ticket = ticket
        self.methods = methods
        self.challenge = challenge


class ConfirmationNeeded(Refused):
    """Who asks must show once more who they are, by one of these methods."""

    code = "confirmation_needed"

    def __init__(
        self, ticket: str, methods: tuple[str, ...], challenge: Mapping[str, Any] | None
    ) -> None:
        super().__init__("This needs a sign-in or a confirmation of the last ten minutes")
        self.ticket = ticket
        self.methods = methods
        self.challenge = challenge
