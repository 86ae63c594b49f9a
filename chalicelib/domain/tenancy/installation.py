"""What there is once in an installation."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid5

from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.owners import THE_INSTALLATION

_INSTALLATIONS = UUID("6f1d6a86-0e0b-5d4b-9b0c-93f2f1a8d3c7")


@dataclass(frozen=True, slots=True)
class Installation:
    """What belongs to the installation as a whole: its fallback signing key (RSA), the sealed key of its address MACs,
    and the Ed25519 key that signs requests to customers, which one of an earlier release lacks."""

    signing_key: DkimKey
    sealed_mac_key: bytes
    request_key: DkimKey | None = None

    @property
    def uuid(self) -> UUID:
        """Tells it from every other, wherever it moves with its keys."""
        return uuid5(_INSTALLATIONS, self.signing_key.public)

    @property
    def mac_context(self) -> dict[str, str]:
        """The associated data under which `sealed_mac_key` is sealed."""
        return {"item": "address-mac"}


@dataclass(frozen=True, slots=True)
class Notice:
    """What operators tell all who use the installation; None when there is nothing to tell."""

    notice: str | None

    @property
    def name(self) -> str:
        """What the audit log calls what was changed."""
        return "installation"


INSTALLATION = Entity(
    Installation,
    "installation",
    place=lambda _: Place(THE_INSTALLATION),
    sealed=("signing_key", "sealed_mac_key", "request_key"),
)
NOTICE = Entity(
    Notice,
    "notice",
    place=lambda _: Place(THE_INSTALLATION),
    code="N",
    audited="installation",
)
