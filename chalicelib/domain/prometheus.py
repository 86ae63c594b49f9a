"""Prometheus' text format, version 0.0.4: lines of metrics of ours, whose names all begin with `posthorn_`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Samples = Mapping[str, float]  # by the labels


def label(name: str, value: str) -> str:
    """A label with a value that somebody else chose."""
    escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'{name}="{escaped}"'


def metric(name: str, kind: str, text: str, samples: Samples) -> Iterator[str]:
    """One metric in Prometheus' text format, if there are samples. Label values are `label`s, or names of ours, which
    need no escapes."""
    if samples:
        named = {f"{{{labels}}}" if labels else "": value for labels, value in samples.items()}
        yield from rendered(name, kind, text, named)


def rendered(name: str, kind: str, text: str, samples: Samples) -> Iterator[str]:
    """The lines of one metric, with samples by what follows its name: `{le="1"}`, `_sum`."""
    yield f"# HELP posthorn_{name} {text}\n# TYPE posthorn_{name} {kind}\n"
    for rest, value in samples.items():
        number = f"{value:.15g}".replace("inf", "+Inf")
        yield f"posthorn_{name}{rest} {number}\n"
