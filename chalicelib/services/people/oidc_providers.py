"""The OpenID provider of the installation, as an operator sets it; none where people sign in by password alone."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain.errors import Refused, wrong_field
from chalicelib.domain.people.oidc_provider import OIDC, OidcProvider, read_provider_url
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import THE_INSTALLATION
from chalicelib.ports.acting import acting, who_acts
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault

NOT_HTTPS = "The issuer must be an https URL without query, as it stands in the provider's tokens"
GIVE_ANEW = "The secret goes to this issuer alone: give it anew with another"


class OidcProviders:
    """Reads and changes it."""

    def __init__(self, repository: Repository, vault: KeyVault, settings: Settings) -> None:
        self._repository = repository
        self._vault = vault
        self._loopback = settings.allow_private_destinations

    async def read(self) -> OidcProvider | None:
        """As it is at this moment."""
        place = Place(THE_INSTALLATION)
        return (await self._repository.get_many(OIDC, [place])).get(place)

    async def check_local_sign_in(self) -> None:
        """Refused where people sign in by the provider alone."""
        provider = await self.read()
        if provider is not None and not provider.local_sign_in:
            raise Refused(f"Here one signs in by {provider.label}, and not by a password")

    async def secret(self, provider: OidcProvider) -> str:
        """What the installation shows to the provider; empty where that asks for none."""
        sealed = provider.sealed_client_secret
        return (await self._vault.open(sealed, provider.context)).decode() if sealed else ""

    async def write(self, provider: OidcProvider | None, secret: str | None = None) -> None:
        """Use this one from now on, or (None) none. Without a secret the one that is known stays, if the issuer and the
        client do. InvalidRequest, Conflict, TemporaryFailure."""
        before = await self.read()
        after = provider and replace(
            provider, sealed_client_secret=await self._sealed(provider, secret, before)
        )
        if after == before:
            return
        verb = Verb.REMOVE if after is None else Verb.REPLACE if before else Verb.ADD
        who = who_acts()
        with acting(None if who is None else replace(who, verb="update")):
            await self._repository.change(Change(verb, OIDC, after or before))

    async def _sealed(
        self, provider: OidcProvider, secret: str | None, before: OidcProvider | None
    ) -> bytes | None:
        url = read_provider_url(provider.issuer, loopback=self._loopback)
        if url is None or "?" in provider.issuer:
            raise wrong_field("oidc/issuer", NOT_HTTPS)
        if secret is not None:
            return await self._vault.seal(secret.encode(), provider.context) if secret else None
        if before is None:
            return None
        kept = before.sealed_client_secret
        same = (before.issuer, before.client_id) == (provider.issuer, provider.client_id)
        if kept is not None and not same:
            raise wrong_field("oidc/client_secret", GIVE_ANEW)
        return kept
