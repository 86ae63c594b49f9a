"""Keys that sign mail."""

from __future__ import annotations

from dataclasses import dataclass

RSA = "rsa-sha256"
ED25519 = "ed25519-sha256"


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A signing key of a domain. `wrapped` is the private key (PKCS#8 DER) sealed by the key vault under `context`,
    empty for one that signs no more; `public` is the base64 text of the DNS record's `p=`.

    `ok`: the last check found its record; None before there was one. `retired_at`: when another took its place.
    """

    domain: str
    selector: str
    algorithm: str  # RSA or ED25519
    wrapped: bytes
    public: str
    created_at: int | None = None
    ok: bool | None = None
    retired_at: int | None = None

    @property
    def context(self) -> dict[str, str]:
        """The associated data under which the private key is sealed."""
        return {"item": "dkim", "domain": self.domain, "selector": self.selector}
