"""To whom API Gateway hands bytes out: it looks at the first type that a client accepts."""

from __future__ import annotations

import pytest

from chalicelib.api.http import takes_bytes


@pytest.mark.parametrize(
    ("accept", "takes"),
    [
        ("application/octet-stream", True),
        ("Application/Octet-Stream;q=1, text/plain", True),
        ("application/octet-stream; q=0.5, */*", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html", False),
        ("*/*", False),
        ("*/*, application/octet-stream", False),
        ("image/png, application/octet-stream", False),
        ("", False),
        (",application/octet-stream", False),
    ],
)
def test_the_first_type_decides(accept: str, takes: bool) -> None:
    assert takes_bytes(accept) is takes
