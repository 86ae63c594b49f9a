"""The name that a source says leads to its address, and best is its reverse name."""

from __future__ import annotations

import pytest

from chalicelib.domain.outgoing.ehlo_name import ehlo_fault


@pytest.mark.parametrize(
    ("found", "reverse", "told"),
    [
        (("192.0.2.1",), ("out.acme.test",), ""),
        (("2001:db8::1", "192.0.2.1"), ("other.test", "out.acme.test"), ""),
        (("192.0.2.1",), (), ""),
        (("192.0.2.9",), ("out.acme.test",), "which does not lead to 192.0.2.1"),
        ((), (), "`posthorn source set one --ehlo NAME`"),
        (("192.0.2.1",), ("host1.provider.test",), "host1.provider.test is the reverse name"),
        (("192.0.2.1",), ("a b\x1b.test",), "Something that is no name is the reverse name"),
    ],
)
def test_a_name_that_does_not_fit_is_told_with_what_to_do(
    found: tuple[str, ...], reverse: tuple[str, ...], told: str
) -> None:
    fault = ehlo_fault("one", "Out.acme.test", "192.0.2.1", found, reverse)
    assert told in fault
    assert bool(fault) is bool(told)
    assert fault.isprintable()
