"""Operations on `/api/v2/metrics`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from posthorn_client.asking import Asking
from posthorn_client.request import Request


class MetricsOperations(Asking):
    """Operations on `/api/v2/metrics`."""

    def show_metrics(self) -> bytes:
        """Show the numbers of the whole installation as Prometheus reads them.

        Needs the scope `installation:read`.
        """
        request = Request("GET", "/api/v2/metrics")
        answer: bytes = self._octets(request)
        return answer
