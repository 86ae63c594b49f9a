"""Keys that sign mail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A signing key of a domain. `wrapped` is the private key (PKCS#8 DER) sealed by the key vault under `context`;
    `public` is the base64 text of the DNS record's `p=`."""

    domain: str
    selector: str
    algorithm: str  # "rsa-sha256" or "ed25519-sha256"
    wrapped: bytes
    public: str

    @property
    def context(self) -> dict[str, str]:
        """The associated data under which the private key is sealed."""
        return {"item": "dkim", "domain": self.domain, "selector": self.selector}
