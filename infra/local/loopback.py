"""HTTP requests to this machine: never through a proxy that the developer's environment names."""

from __future__ import annotations

import json
import urllib.request
from http.client import HTTPResponse
from typing import Any

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def open_url(url: str, timeout: float) -> HTTPResponse:
    """GET; OSError (which includes every HTTP error status) when it fails."""
    answer: HTTPResponse = _direct.open(url, timeout=timeout)
    return answer


def get_json(url: str, timeout: float) -> Any:
    """The JSON at a URL; ValueError when it is none."""
    with open_url(url, timeout) as answer:
        return json.load(answer)
