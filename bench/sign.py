"""The DKIM signer against OpenSSL's RSA and against dkimpy, on messages of 4 KiB, 64 KiB and 1 MiB.

`openssl` is both the command (`openssl speed`) and the same primitive as `cryptography` calls it; targets refer to the
command where it is installed. A signature of ours here is everything: canonicalisation, digest, RSA, folded field.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import time
from functools import partial

import dkim
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from bench.table import Row, interleaved, print_table
from chalicelib.adapters.crypto.keys import generate_ed25519, generate_rsa
from chalicelib.domain.mail.dkim import finish, prepare, signing_input

KIB = 1024
MIB = KIB * KIB
SIZES = {"4 KiB": 4 * KIB, "64 KiB": 64 * KIB, "1 MiB": MIB}
HEADER = (
    b"Received: from client (client.example [192.0.2.1]) by mx.example.com with SMTP; "
    b"Fri, 22 Mar 2024 12:00:00 +0000\r\n"
    b"From: Example Shop <shop@example.com>\r\nTo: Someone <someone@example.net>\r\n"
    b"Subject: Your order\r\nDate: Fri, 22 Mar 2024 12:00:00 +0000\r\n"
    b"Message-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    b"List-Unsubscribe: <https://example.com/u/1>\r\n\r\n"
)
LINE = b"A line of an ordinary message, with ordinary words in it, single spaced.\r\n"
PADDING, PREHASHED = PKCS1v15(), Prehashed(SHA256())


def message(size: int) -> bytes:
    """An ordinary message of about this size."""
    return HEADER + LINE * ((size - len(HEADER)) // len(LINE))


class Ours:
    """Our whole signature with one key, as the delivering function makes it."""

    def __init__(self, der: bytes) -> None:
        self.key = load_der_private_key(der, None)

    def __call__(self, content: bytes) -> bytes:
        rsa = isinstance(self.key, RSAPrivateKey)
        algorithm = "rsa-sha256" if rsa else "ed25519-sha256"
        signing = signing_input(prepare(content), "example.com", "s1", algorithm, 1_711_108_800)
        if isinstance(self.key, RSAPrivateKey):
            signature = self.key.sign(signing.digest, PADDING, PREHASHED)
        else:
            signature = self.key.sign(signing.digest)  # type: ignore[union-attr,call-arg]  # Ed25519
        return finish(signing, signature) + content


def openssl_signs_a_second() -> float | None:
    """What `openssl speed` says about RSA-2048 signatures; None without the command."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    command = [openssl, "speed", "-seconds", "1", "rsa2048"]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"rsa 2048 bits +\S+ +\S+(?: +\S+ +\S+)? +([\d.]+) +[\d.]+", report)
    return float(found[1]) if found else None


def run() -> list[Row]:
    """All rows. Takes about a minute, most of it dkimpy."""
    der, _ = generate_rsa()
    ours = Ours(der)
    ed25519 = Ours(generate_ed25519()[0])
    private = load_der_private_key(der, None)
    assert isinstance(private, RSAPrivateKey)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    digest = b"\0" * 32
    rows = []
    for name, size in SIZES.items():
        content = message(size)
        contestants = {
            "ours": partial(ours, content),
            "ed25519": partial(ed25519, content),
            "primitive": partial(private.sign, digest, PADDING, PREHASHED),
            "dkimpy": partial(
                dkim.sign,
                content,
                b"s1",
                b"example.com",
                pem,
                canonicalize=(b"relaxed", b"relaxed"),
            ),
        }
        rows += _rows(name, interleaved(contestants))
    rows += _against_openssl(ours)
    rows.append(_spaces(ours))
    return rows


def _against_openssl(ours: Ours) -> list[Row]:
    """Rounds of `openssl speed` and of ours in turn; the median of the ratios of neighbours."""
    content, rates, ratios = message(4 * KIB), [], []
    for _ in range(5):
        command = openssl_signs_a_second()
        if command is None:
            return []
        rates.append(1 / interleaved({"ours": partial(ours, content)}, 3)["ours"])
        ratios.append(rates[-1] / command)
    ratio = statistics.median(ratios)
    return [
        Row(
            "sign RSA-2048, 4 KiB, to openssl speed",
            statistics.median(rates),
            "/CPU s",
            ratio,
            ">= 0.85x",
            ratio >= 0.85,
        )
    ]


def _rows(size: str, taken: dict[str, float]) -> list[Row]:
    rate = 1 / taken["ours"]
    rows = []
    if size == "4 KiB":
        primitive = taken["primitive"] * rate
        rows.append(
            Row(
                "sign RSA-2048, 4 KiB, to cryptography's RSA",
                rate,
                "/CPU s",
                primitive,
                ">= 0.85x",
                primitive >= 0.85,
            )
        )
    ratio = taken["dkimpy"] / taken["ours"]
    rows.append(
        Row(f"sign RSA-2048, {size}, to dkimpy", rate, "/CPU s", ratio, ">= 20x", ratio >= 20)
    )
    both = taken["ed25519"] / taken["ours"]
    rows.append(
        Row(f"sign Ed25519, {size}, cost to ours by RSA", 1 / taken["ed25519"], "/CPU s", both)
    )
    return rows


def _spaces(ours: Ours) -> Row:
    """A body of one line of 1 MiB of spaces, over which dkimpy takes minutes."""
    content = HEADER + b" " * MIB + b"\r\n"
    times = []
    for _ in range(7):
        begin = time.process_time()
        ours(content)
        times.append(time.process_time() - begin)
    milliseconds = sorted(times)[3] * 1_000
    return Row("sign 1 MiB of spaces", milliseconds, "ms", None, "<= 10 ms", milliseconds <= 10)


if __name__ == "__main__":
    print_table(run())
