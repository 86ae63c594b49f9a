"""What somebody else named is escaped in Prometheus' text."""

from __future__ import annotations

from chalicelib.domain.prometheus import label, metric


def test_a_label_is_one_line_whatever_its_value() -> None:
    samples = {label("check", 'list:a"b\\c\nd'): 2.0}
    *_, line = "".join(metric("check_status", "gauge", "Told.", samples)).splitlines()
    assert line == r'posthorn_check_status{check="list:a\"b\\c\nd"} 2'
