"""Operations on `/api/v2/overview`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from posthorn_client.asking import Asking
from posthorn_client.models.overview import ServerOverview
from posthorn_client.request import Request


class OverviewOperations(Asking):
    """Operations on `/api/v2/overview`."""

    def show_overview(self, *, tenant: str | None = None) -> ServerOverview:
        """Show a server at a glance.

        Needs the scope `statistics:read`.
        """
        request = Request("GET", "/api/v2/overview", tenant=tenant)
        answer: ServerOverview = self._json(request)
        return answer
