"""The secrets of those whom we post to, HTTP endpoints and webhooks: made, sealed, rotated, and opened for signing.

A secret is `whsec_` and base64 of 32 bytes, or of those that were given. Whoever makes or rotates one shows it once;
stored is what the vault sealed. After a rotation the secret before signs too for a day. Nothing here stores a receiver.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TypeVar

from chalicelib.domain.durations import DAY
from chalicelib.domain.tenancy.endpoints import Endpoint
from chalicelib.domain.tenancy.webhooks import Webhook
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.installation import Installation

PREFIX = "whsec_"
SECRET_BYTES = 32

Receiver = TypeVar("Receiver", Endpoint, Webhook)


class ReceiverSecrets:
    """Asks the vault once for each secret that is made or opened. Where a receiver's secret is made, the installation
    has a key for requests from then on."""

    def __init__(
        self, vault: KeyVault, rand: Rand, clock: Clock, installation: Installation
    ) -> None:
        self._installation = installation
        self._vault = vault
        self._rand = rand
        self._clock = clock

    async def with_secret(
        self, receiver: Receiver, given: bytes | None = None
    ) -> tuple[Receiver, str]:
        """The receiver with a new secret alone, the given one or one that is made, and the text to show."""
        await self._installation.ensure()
        secret = self._rand.bytes(SECRET_BYTES) if given is None else given
        sealed = await self._vault.seal(secret, receiver.context)
        made = replace(
            receiver, sealed_secret=sealed, sealed_old_secret=None, old_secret_until=None
        )
        return made, PREFIX + base64.b64encode(secret).decode()

    async def rotated(self, receiver: Receiver) -> tuple[Receiver, str]:
        """The receiver with a new secret beside the one that it had, and the text to show."""
        made, shown = await self.with_secret(receiver)
        until = int(self._clock.now()) + DAY
        old = receiver.sealed_secret
        return (
            replace(made, sealed_old_secret=old, old_secret_until=until if old else None),
            shown,
        )

    async def signing(self, receiver: Receiver) -> list[bytes]:
        """The secrets that sign at this moment, the newest first."""
        sealed = [receiver.sealed_secret]
        if (receiver.old_secret_until or 0) > self._clock.now():
            sealed.append(receiver.sealed_old_secret)
        return [await self._vault.open(one, receiver.context) for one in sealed if one]

    async def with_user_info(self, receiver: Receiver, user_info: str) -> Receiver:
        """The receiver with what stood in front of the host of its URL, sealed; empty: it has none."""
        if not user_info:
            return replace(receiver, sealed_user_info=None)
        sealed = await self._vault.seal(user_info.encode(), receiver.context)
        return replace(receiver, sealed_user_info=sealed)

    async def user_info(self, receiver: Receiver) -> str:
        """What stood in front of the host, empty where nothing did."""
        if receiver.sealed_user_info is None:
            return ""
        return (await self._vault.open(receiver.sealed_user_info, receiver.context)).decode()
