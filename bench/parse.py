"""Reading a message against Python's `email` package: header fields, MIME parts, newline checks."""

from __future__ import annotations

from email import message_from_bytes
from functools import partial

from bench.sign import SIZES, message
from bench.table import Row, interleaved, print_table
from chalicelib.domain.message import Part, has_bare_newline, read_headers, read_parts


def multipart(size: int) -> bytes:
    """The ordinary message as the first of two parts."""
    plain = message(size)
    at = plain.index(b"\r\n\r\n")
    header = plain[:at].replace(b"text/plain; charset=utf-8", b'multipart/mixed; boundary="=_b"')
    return (
        header
        + b"\r\n\r\n--=_b\r\n\r\n"
        + plain[at + 4 :]
        + b'\r\n--=_b\r\nContent-Type: image/png; name="a.png"\r\n'
        + b"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--=_b--\r\n"
    )


def read_what_accept_reads(content: bytes) -> tuple[object, ...]:
    """The fields that accepting a message looks at."""
    headers = read_headers(content)
    return headers.values(b"from"), headers.last_text("subject"), headers.count(b"received")


def read_mime(content: bytes) -> tuple[Part, ...]:
    """The leaves with their offsets, headers of each part read."""
    return read_parts(content, read_headers(content))


def run() -> list[Row]:
    """One row a size and kind of reading; ratios to `message_from_bytes` on the same bytes."""
    rows = []
    for name, size in SIZES.items():
        content = multipart(size)
        taken = interleaved(
            {
                "headers": partial(read_what_accept_reads, content),
                "parts": partial(read_mime, content),
                "newlines": partial(has_bare_newline, content),
                "email": partial(message_from_bytes, content),
            }
        )
        ratio = taken["headers"] / taken["email"]
        rows.append(
            Row(
                f"header read, {name}, to email",
                taken["headers"] * 1e6,
                "µs",
                ratio,
                "<= 0.1x",
                ratio <= 0.1,
            )
        )
        for part in ("parts", "newlines"):
            ratio = taken[part] / taken["email"]
            rows.append(Row(f"{part}, {name}, to email", taken[part] * 1e6, "µs", ratio))
    return rows


if __name__ == "__main__":
    print_table(run())
