"""Operations on `/api/v2/openapi`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Any

from posthorn_client.asking import Asking
from posthorn_client.request import Request


class OpenapiOperations(Asking):
    """Operations on `/api/v2/openapi`."""

    def show_open_api(self) -> dict[str, Any]:
        """This document."""
        request = Request("GET", "/api/v2/openapi.json")
        answer: dict[str, Any] = self._json(request)
        return answer
