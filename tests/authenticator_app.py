"""An app that makes codes from a secret, by the clock of the installation."""

from __future__ import annotations

import base64

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.domain.people.totp import STEP_SECONDS, code_of


class App:
    """One that has taken this secret."""

    def __init__(self, clock: ControlledClock, secret: str) -> None:
        self._clock = clock
        self._seed = base64.b32decode(secret + "=" * (-len(secret) % 8))

    def code(self, steps: int = 0) -> str:
        """What it shows, or has shown so many steps ago."""
        return code_of(self._seed, int(self._clock.now() // STEP_SECONDS) - steps)

    def wait(self) -> None:
        """Until it shows another one."""
        self._clock.advance(STEP_SECONDS)
