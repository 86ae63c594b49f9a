"""Requests to web servers of customers, and of whom the operator trusts."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.http_exchange import HttpAnswer, HttpRequest


class HttpClient(Protocol):
    """Hostile servers cost one request of bounded time and memory.

    Names are looked up by our own resolver, each address found is asked of the guard of destinations unless the request
    says otherwise, and one of them is what is connected to. TLS is verified for the host of the URL. Redirects are not
    followed, nothing is decompressed, and no proxy of the environment is used.
    """

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """One request on a connection of its own. Never raises for what the world does."""
