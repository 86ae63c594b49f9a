"""Operations on `/api/v2/queue`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal

from posthorn_client.asking import Asking
from posthorn_client.models.queue import Queue
from posthorn_client.request import Request


class QueueOperations(Asking):
    """Operations on `/api/v2/queue`."""

    def show_queue(
        self,
        *,
        status: Literal["queued", "scheduled", "held"] | None = None,
        by: Literal["domain", "reason", "provider"] | None = None,
        tenant: str | None = None,
    ) -> Queue:
        """Show what waits, by the domain that it is for, by the reason, or by who receives.

        Needs the scope `emails:read`.
        """
        request = Request("GET", "/api/v2/queue", query={"status": status, "by": by}, tenant=tenant)
        answer: Queue = self._json(request)
        return answer
