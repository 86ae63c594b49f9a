"""Operations on `/api/v2/health`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Any

from posthorn_client.asking import Asking
from posthorn_client.request import Request


class HealthOperations(Asking):
    """Operations on `/api/v2/health`."""

    def show_health(self) -> dict[str, Any]:
        """Ask whether stores and queues are well; 503 with the names of those that fail.

        200 is `{"status": "ok"}`, 503 `{"status": "degraded", "failing": ["mail_table"]}`.
        """
        request = Request("GET", "/api/v2/health")
        answer: dict[str, Any] = self._json(request)
        return answer
