"""The secrets of HTTP endpoints: made, sealed, rotated, and opened again for signing.

A secret is `whsec_` and base64 of 32 bytes. Whoever makes or rotates one shows it once; stored is what the vault
sealed. After a rotation the secret before signs too for a day. Nothing here stores an endpoint.
"""

from __future__ import annotations

import base64
from dataclasses import replace

from chalicelib.domain.durations import DAY
from chalicelib.domain.tenancy.endpoints import Endpoint
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.installation import Installation

PREFIX = "whsec_"
SECRET_BYTES = 32


class EndpointSecrets:
    """Asks the vault once for each secret that is made or opened. Where a receiver's secret is made, the installation
    has a key for requests from then on."""

    def __init__(
        self, vault: KeyVault, rand: Rand, clock: Clock, installation: Installation
    ) -> None:
        self._installation = installation
        self._vault = vault
        self._rand = rand
        self._clock = clock

    async def with_secret(self, endpoint: Endpoint) -> tuple[Endpoint, str]:
        """The endpoint with a new secret alone, and the text to show."""
        await self._installation.ensure()
        secret = self._rand.bytes(SECRET_BYTES)
        sealed = await self._vault.seal(secret, endpoint.context)
        made = replace(
            endpoint, sealed_secret=sealed, sealed_old_secret=None, old_secret_until=None
        )
        return made, PREFIX + base64.b64encode(secret).decode()

    async def rotated(self, endpoint: Endpoint) -> tuple[Endpoint, str]:
        """The endpoint with a new secret beside the one that it had, and the text to show."""
        made, shown = await self.with_secret(endpoint)
        until = int(self._clock.now()) + DAY
        old = endpoint.sealed_secret
        return (
            replace(made, sealed_old_secret=old, old_secret_until=until if old else None),
            shown,
        )

    async def signing(self, endpoint: Endpoint) -> list[bytes]:
        """The secrets that sign at this moment, the newest first."""
        sealed = [endpoint.sealed_secret]
        if (endpoint.old_secret_until or 0) > self._clock.now():
            sealed.append(endpoint.sealed_old_secret)
        return [await self._vault.open(one, endpoint.context) for one in sealed if one]

    async def with_user_info(self, endpoint: Endpoint, user_info: str) -> Endpoint:
        """The endpoint with what stood in front of the host of its URL, sealed; empty: it has none."""
        if not user_info:
            return replace(endpoint, sealed_user_info=None)
        sealed = await self._vault.seal(user_info.encode(), endpoint.context)
        return replace(endpoint, sealed_user_info=sealed)

    async def user_info(self, endpoint: Endpoint) -> str:
        """What stood in front of the host, empty where nothing did."""
        if endpoint.sealed_user_info is None:
            return ""
        return (await self._vault.open(endpoint.sealed_user_info, endpoint.context)).decode()
