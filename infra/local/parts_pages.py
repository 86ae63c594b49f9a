"""The parts of the dashboard's pages at `/_local/parts`, each by itself, for whoever makes pages and takes pictures."""

from __future__ import annotations

from chalicelib.web import answers
from chalicelib.web.gallery import ADDRESS, part
from infra.local.exchange import Request, Response, json_response


def parts_page(request: Request) -> Response:
    """One of them, or the list."""
    if request.method not in ("GET", "HEAD"):
        return json_response({"message": "Method not allowed"}, 405)
    text = part(request.path.removeprefix(ADDRESS).strip("/"))
    if text is None:
        return json_response({"message": "There is no such part"}, 404)
    answer = answers.page(200, text)
    return Response(answer.status, text.encode(), tuple(answer.headers.items()))
