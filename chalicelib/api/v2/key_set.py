"""The public keys that verify what Posthorn posts to customers, as every program finds them (RFC 8615, RFC 7517)."""

from __future__ import annotations

from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram
from chalicelib.api.json_body import render_json
from chalicelib.api.v2.objects import JSON_TYPE
from chalicelib.api.v2.route import Route
from chalicelib.services.tenancy.request_signatures import RequestSignatures

PATH = "/.well-known/jwks.json"
_FOR_A_WHILE = {"Cache-Control": "public, max-age=300"}


async def show_key_set(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """Show the public keys that sign requests to endpoints, as a JSON Web Key Set."""
    keys = await program[RequestSignatures].key_set()
    return HttpAnswer(200, render_json(keys), JSON_TYPE | _FOR_A_WHILE)


ROUTE = Route("GET", PATH, "showKeySet", show_key_set, "application/json", is_public=True)
