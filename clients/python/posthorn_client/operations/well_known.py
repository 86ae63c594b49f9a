"""Operations on `/.well-known`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Any

from posthorn_client.asking import Asking
from posthorn_client.request import Request


class WellKnownOperations(Asking):
    """Operations on `/.well-known`."""

    def show_key_set(self) -> dict[str, Any]:
        """Show the public keys that sign requests to endpoints, as a JSON Web Key Set."""
        request = Request("GET", "/.well-known/jwks.json")
        answer: dict[str, Any] = self._json(request)
        return answer
