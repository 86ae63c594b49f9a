"""HTTP requests to this machine: never through a proxy that the developer's environment names."""

from __future__ import annotations

import json
import urllib.request
from typing import Any


class _NotFollowed(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer for whoever asked."""

    def redirect_request(self, *_: Any) -> None:
        return None


direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NotFollowed)


def get_json(url: str, timeout: float) -> Any:
    """The JSON at a URL; OSError (which includes every HTTP error status), or ValueError when it is none."""
    with direct.open(url, timeout=timeout) as answer:
        return json.load(answer)
