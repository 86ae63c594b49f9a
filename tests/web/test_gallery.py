"""Every part of the pages has a page of its own on the local stack, harmless and within what a page may weigh."""

from __future__ import annotations

import gzip

import pytest

from chalicelib.web.gallery import PARTS, part
from infra.local.exchange import Request
from infra.local.parts_pages import parts_page
from tests.page_browser import _Reader


@pytest.mark.parametrize("name", ["", *PARTS])
def test_a_part_is_shown(name: str) -> None:
    answer = parts_page(Request("GET", f"/_local/parts/{name}", {}, b""))
    headers = {key.lower(): value for key, value in answer.headers}
    assert (answer.status, headers["content-type"][:9]) == (200, "text/html")
    assert "script-src 'self'" in headers["content-security-policy"]
    reader = _Reader()
    reader.feed(answer.body.decode())
    assert len(set(reader.ids)) == len(reader.ids), "ids more than once"
    assert reader.nodes < 1_500
    assert len(gzip.compress(answer.body)) < 50_000
    assert not [where for _, where in reader.links if not where.startswith(("#", "/_local/parts"))]


def test_what_is_no_part_is_not_there() -> None:
    for name in ("nothing", "../home", "states/x", "%3Cscript%3E"):
        assert part(name) is None
        assert parts_page(Request("GET", f"/_local/parts/{name}", {}, b"")).status == 404
    assert parts_page(Request("POST", "/_local/parts", {}, b"x")).status == 405
