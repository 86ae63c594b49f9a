"""What a page may weigh: bytes, elements, requests, questions to the store."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator

import pytest

from chalicelib import bootstrap
from chalicelib.web.static_files import FOLDER
from tests.filled_site import Site, filled_site

KB = 1_000
MOST_HTML, MOST_CSS, MOST_SCRIPT, MOST_OWN_SCRIPT = 50 * KB, 12 * KB, 24 * KB, 6 * KB
MOST_NODES = 1_500


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with filled_site() as found:
        yield found


def zipped(name: str) -> int:
    return len(gzip.compress((FOLDER / name).read_bytes(), 9))


def test_styles_and_scripts_are_small() -> None:
    assert zipped("posthorn.css") <= MOST_CSS
    assert zipped("app.js") <= MOST_OWN_SCRIPT
    assert zipped("app.js") + zipped("htmx.min.js") <= MOST_SCRIPT


def test_every_page_is_small_and_asks_for_few_files(site: Site) -> None:
    for address in site.addresses.values():
        shown = bootstrap.run(site.boss.ask("GET", address, b"", {}))
        assert len(gzip.compress(shown.html.encode())) <= MOST_HTML, address
        assert shown.nodes <= MOST_NODES, (address, shown.nodes)
        assert len(re.findall(r"<link[^>]*stylesheet|<script[^>]*src=", shown.html)) == 3, address
        assert not re.search(r"<img\b|<style\b|<script>", shown.html), address
