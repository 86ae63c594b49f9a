"""What a report says, as values."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.domain.report import ReportKind

LONGEST_DIAGNOSTIC = 500


@dataclass(frozen=True, slots=True)
class RecipientBlock:
    """What is said of one recipient: the address as reported, and `names`, all that it goes by. `kind` is None for what
    makes no report, as that the message was delivered."""

    recipient: str | None
    names: tuple[str, ...]
    kind: ReportKind | None
    action: str | None = None
    status: str | None = None
    diagnostic: str | None = None
    remote_mta: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class ReadReport:
    """What a message says of others. Without blocks it is no report: a person's answer, or other mail. `tokens` and
    `message_ids` are those of the message that it returns."""

    blocks: tuple[RecipientBlock, ...] = ()
    tokens: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()
    feedback_type: str | None = None
    source_ip: str | None = None
    named: frozenset[str] = field(default_factory=frozenset)

    def block_about(self, recipient: str) -> RecipientBlock | None:
        """The block that names the recipient, else the first that failed, else the first."""
        wanted = recipient.lower()
        naming = (block for block in self.blocks if wanted in block.names)
        failed = (block for block in self.blocks if block.kind is ReportKind.BOUNCE)
        return next((one for found in (naming, failed, self.blocks) for one in found), None)

    def allows(self, recipient: str) -> bool:
        """Whether it names the recipient, nobody, or somebody whose name was taken out (RFC 6590)."""
        return not self.named or self.names(recipient) or any(map(_is_redacted, self.named))

    def names(self, recipient: str) -> bool:
        """Whether it names the recipient."""
        return recipient.lower() in self.named


def _is_redacted(address: str) -> bool:
    return address.rpartition("@")[0] in ("", "redacted")
