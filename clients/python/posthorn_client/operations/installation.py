"""Operations on `/api/v2/installation`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from posthorn_client.asking import Asking
from posthorn_client.models.installation import (
    CheckPage,
    Installation,
    InstallationLoad,
    InstallationToChange,
)
from posthorn_client.request import Request


class InstallationOperations(Asking):
    """Operations on `/api/v2/installation`."""

    def show_installation(self) -> Installation:
        """Show names, ports and limits of the installation."""
        request = Request("GET", "/api/v2/installation")
        answer: Installation = self._json(request)
        return answer

    def change_installation(self, body: InstallationToChange) -> Installation:
        """Change what the installation tells all who use it, or the OpenID provider at which they sign in.

        Needs the scope `installation:write`.
        """
        request = Request("PATCH", "/api/v2/installation", body=body)
        answer: Installation = self._json(request)
        return answer

    def list_checks(self) -> CheckPage:
        """List what the installation found when it looked at itself, within the last minute, in the DNS within an hour.

        Needs the scope `installation:read`.
        """
        request = Request("GET", "/api/v2/installation/checks")
        answer: CheckPage = self._json(request)
        return answer

    def show_installation_operations(self) -> InstallationLoad:
        """Show what the installation is at: queues, what failed too often, and jobs of all tenants that are not over.

        Needs the scope `installation:read`.
        """
        request = Request("GET", "/api/v2/installation/operations")
        answer: InstallationLoad = self._json(request)
        return answer
