"""The HTTP API: the Chalice app with the routes of both versions and of pages, as Lambda loads it behind API Gateway.

The app keeps the current request per thread, so that a threaded server may use one app for many requests at a time, as
the local stack does.
"""

from __future__ import annotations

import threading
from typing import Any

from chalice.app import Chalice, Request

from functions import api_v1, api_v2, pages


class Application(Chalice):
    """Chalice with a current request for each thread."""

    _here = threading.local()

    @property
    def current_request(self) -> Any:
        """The request that this thread is answering."""
        return getattr(self._here, "request", None)

    @current_request.setter
    def current_request(self, request: Request | None) -> None:
        self._here.request = request


# Chalice's own log set-up would silence every logger below "posthorn"; functions.runtime sets them up.
app = Application(app_name="posthorn", configure_logs=False)
for module in (api_v1, api_v2, pages):
    app.register_blueprint(module.blueprint)
