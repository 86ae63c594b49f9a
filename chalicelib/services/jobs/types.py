"""The types of jobs that there are."""

from __future__ import annotations

from chalicelib.services.events.hand_on_later import HandOnLater
from chalicelib.services.jobs.erase import Erase
from chalicelib.services.jobs.export import Export
from chalicelib.services.jobs.import_suppressions import ImportSuppressions
from chalicelib.services.jobs.kinds import JobKind, Worked
from chalicelib.services.jobs.on_messages import MessageJobs
from chalicelib.services.jobs.replay_webhooks import ReplayWebhooks


class JobTypes:
    """Finds types by their names: a new one is one more of these."""

    def __init__(
        self,
        import_suppressions: ImportSuppressions,
        export: Export,
        replay_webhooks: ReplayWebhooks,
        on_messages: MessageJobs,
        erase: Erase,
        hand_on_later: HandOnLater,
    ) -> None:
        self._inner = hand_on_later
        self.all: tuple[JobKind, ...] = (
            *on_messages.all,
            import_suppressions,
            export,
            replay_webhooks,
            erase,
        )

    def worked(self, name: str) -> Worked | None:
        """The type of a name, also an inner one."""
        return self._inner if name == self._inner.type else self.find(name)

    def find(self, name: str) -> JobKind | None:
        """The type of a name."""
        return next((one for one in self.all if one.type == name), None)
