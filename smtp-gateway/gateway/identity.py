"""Who a session's client is: the principal that AUTH, its address or nothing gave it, and how wrong proofs are met.

What a proof is worth, `services.authenticate` says; how often a client may offer one, `gateway.guesses`. All mechanisms
count alike, but for one CRAM-MD5 failure of a client address in a window: common clients try that before PLAIN.
Contract section 3.3.
"""

from __future__ import annotations

from chalicelib.domain.errors import MailError, Unauthenticated
from chalicelib.domain.ids import key_digest
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.services.tenancy.authenticate import Principal
from gateway import replies
from gateway.authentication import CRAM_RANDOM_BYTES, MECHANISMS, Ask, CramProof, KeyProof, prove
from gateway.clients import client_of
from gateway.site import Site

SMTP_KEYS = frozenset({CredentialKind.SMTP})


class Identity:
    """The client of one session at `address`. `principal` is None while nobody vouches for it; `failures` are wrong
    proofs that count."""

    def __init__(self, site: Site, address: str, trace: str) -> None:
        self.principal: Principal | None = None
        self.failures = 0
        self._site = site
        self._address = address
        self._client = client_of(address)
        self._trace = trace
        self._vouched_at = 0.0

    async def authenticate(self, argument: bytes, ask: Ask) -> bytes:
        """The dialogue of AUTH, once it is allowed; Rejected when the client breaks it off."""
        words = argument.decode("ascii").split()
        if not words or len(words) > 2:
            return replies.NEEDS_ARGUMENT
        mechanism = words[0].upper()
        if mechanism not in MECHANISMS:
            return replies.UNKNOWN_MECHANISM
        initial = words[1].encode() if len(words) == 2 else None
        nonce = self._site.services.rand.bytes(CRAM_RANDOM_BYTES)
        proof = await prove(mechanism, initial, ask, nonce, self._site.hostname)
        if not await self._may_be_judged(proof):
            self._site.journal.event("auth_refused", self._address, trace=self._trace)
            return replies.AUTH_LOCKED
        return await self._judge(proof)

    async def _may_be_judged(self, proof: KeyProof | CramProof) -> bool:
        """False when too many attempts of this client wait already."""
        mark = _mark(proof)
        known = self._site.guesses.knows(self._client, mark)
        if known and isinstance(proof, KeyProof):
            return True
        return await self._site.guesses.turn(self._client, mark if known else "")

    async def _judge(self, proof: KeyProof | CramProof) -> bytes:
        service = self._site.services.authenticate
        try:
            if isinstance(proof, KeyProof):
                principal = await service.by_key(proof.key, SMTP_KEYS, self._address)
            else:
                principal = await service.by_cram(
                    proof.username, proof.challenge, proof.digest, self._address
                )
        except Unauthenticated as wrong:
            self._failed(proof)
            return wrong.reply.render()
        except MailError:
            return replies.AUTH_UNAVAILABLE
        self._site.guesses.remember(self._client, _mark(proof))
        self._remember(principal)
        return replies.granted(principal.server.full_name)

    def _failed(self, proof: KeyProof | CramProof) -> None:
        self._site.journal.failed_sign_in(self._address, trace=self._trace)
        guesses = self._site.guesses
        if isinstance(proof, KeyProof):
            guesses.forget(self._client, _mark(proof))
        elif guesses.spare(self._client):
            return
        self.failures += 1
        guesses.note(self._client)

    async def by_address(self) -> Principal | None:
        """The principal of an SMTP-IP credential, which stays the session's once it was needed; may raise MailError."""
        principal = await self._site.services.authenticate.by_address(self._address)
        if principal is not None:
            self._remember(principal)
        return principal

    @property
    def is_old(self) -> bool:
        """True when what AUTH found was found too long ago to be trusted."""
        age = self._site.monotonic() - self._vouched_at
        return self.principal is not None and age > self._site.configuration.renew_seconds

    async def renew(self, principal: Principal) -> bytes | None:
        """Look again at what vouched for the principal, for sessions that outlive it; a reply when that is gone."""
        try:
            service = self._site.services.authenticate
            self._remember(await service.renew(principal, self._address))
        except Unauthenticated:
            self.principal = None
            return replies.AUTH_REQUIRED
        except MailError:
            return replies.AUTH_UNAVAILABLE
        return None

    def _remember(self, principal: Principal) -> None:
        self.principal = principal
        self._vouched_at = self._site.monotonic()


def _mark(proof: KeyProof | CramProof) -> str:
    return key_digest(proof.key) if isinstance(proof, KeyProof) else proof.username
