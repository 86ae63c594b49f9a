"""Domain names: one conversion to ASCII, that of UTS 46 as browsers use it, held against a browser's own."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator

import pytest

from chalicelib.domain.domain_name import ascii_name, typed_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Example.COM", "example.com"),
        ("abc_d.example", "abc_d.example"),
        ("r3---sn-x.example", "r3---sn-x.example"),
        ("straße.test", "xn--strae-oqa.test"),
        ("STRAẞE.test", "xn--strae-oqa.test"),
        ("strasse.test", "strasse.test"),
        ("βόλος.test", "xn--nxasmm1c.test"),
        ("ΒΌΛΟΣ.test", "xn--nxasmq6b.test"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("u\u0308.example", "xn--tda.example"),
        ("bü\u00adcher.example", "xn--bcher-kva.example"),
        ("😀.ws", "xn--e28h.ws"),
        ("i❤\ufe0f.ws", "xn--i-7iq.ws"),
        ("\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45\uff0e\uff43\uff4f\uff4d", "example.com"),
        ("bücher。example", "xn--bcher-kva.example"),
        ("\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com", "xn--mgba3gch31f060k.com"),
        ("\u0dc1\u0dca\u200d\u0dbb\u0dd3.com", "xn--10cl1a0b660p.com"),
        ("אב1.example", "xn--1-zhcd.example"),
        ("XN--Strae-OQA.test", "xn--strae-oqa.test"),
        ("x" * 63, "x" * 63),
        (".".join(["x" * 61] * 4) + ".xxxxx", ".".join(["x" * 61] * 4) + ".xxxxx"),
    ],
)
def test_a_name_in_ascii(text: str, name: str) -> None:
    assert ascii_name(text) == name
    assert ascii_name(name) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a..b",
        ".a",
        "a.",
        "-a",
        "a-",
        "-ü",
        "ü-.test",
        "a b",
        "a/b",
        "a@b",
        "a\0b",
        "a\r\nb",
        "℀.test",
        "a\uff20b.test",
        "x" * 64,
        "ü" * 59,
        ".".join(["x" * 61] * 4) + ".xxxxxx",
        "\u00ad" * 300 + "a",
        "\u0301a.test",
        "a\u200db.test",
        "a\u200cb.test",
        "\u202ea.test",
        "\ud800.test",
        "אa.test",
        "ü1.אב.1ü",
        "xn--",
        "xn--a",
        "xn--abc-.test",
        "xn--strae-oqa-.test",
        "xn--bcher-KVB99999.test",
        "xn--ü.test",
        "xn--xn---epa.test",
        "xn--tda9b.test\u00a0",
    ],
)
def test_what_is_no_name(text: str) -> None:
    assert ascii_name(text) is None


@pytest.mark.parametrize(
    "text", ["bücher.test", " Bücher.TEST. ", "bücher.test。", "\tbücher.test\n"]
)
def test_a_name_on_its_own_may_have_blanks_and_a_last_full_stop(text: str) -> None:
    assert typed_name(text) == "xn--bcher-kva.test"


def test_an_encoded_label_of_letters_that_are_mapped_is_none() -> None:
    for label in ("bÜcher", "a\u00adü", "ü。a", "xn--ü", "ü\u200d", "u\u0308"):
        assert ascii_name(f"xn--{label.encode('punycode').decode()}.test") is None


ALPHABETS = (
    "abcXYZ019-_", "äöüßÄÖÜéñç", "αβγσςΣΑΒ", "אבגדה", "عربيةفارسی", "०१क्षश्री\u200c\u200d",
    "日本語ドメイン。\uff0e\uff61",
    "😀❤🎉\ufe0f", "\uff21\uff22\uff43\uff0e", "\u00ad\u200b\u200c\u200d\u2060", "･ー·\u02bb’", "K℀⑴㏂ﬁİı", "ශ්\u200dරී",
)  # fmt: skip


# Letters that were no letters of names before Unicode 15.1: Node.js has older tables.
LATER = frozenset("ẞӀℲↃ\u115f\u1160\u17b4\u17b5\u1806\u3164\uffa0").union(
    map(chr, range(0x10A0, 0x10C6))
)
IDEOGRAPHS = (range(0x3400, 0xD7A4), range(0x1_7000, 0x1_8D00))


def names() -> Iterator[str]:
    """Every letter and sign, of the ideographs some, and many mixtures."""
    for number in range(0x80, 0x2_0000):
        if any(number in block and number % 50 for block in IDEOGRAPHS):
            continue
        if unicodedata.category(chr(number))[0] in "LMNPS":
            yield f"a{chr(number)}b.test"
    chance = random.Random(46)
    for _ in range(8_000):
        labels = []
        for _ in range(chance.randint(1, 3)):
            alphabet = chance.choice(ALPHABETS) + chance.choice(("", chance.choice(ALPHABETS)))
            labels.append("".join(chance.choices(alphabet, k=chance.randint(1, 8))))
        name = ".".join([*labels, "test"])
        yield name
        yield f"xn--{name.partition('.')[0].encode('punycode').decode()}.test"


def is_beside_the_oracle(name: str) -> bool:
    """True where Node.js follows other rules: it does not look at direction across labels, it allows a hyphen at an end
    of a label as URLs do, and its tables are older."""
    letters = unicodedata.normalize("NFKC", _decoded(name))
    marks = {unicodedata.bidirectional(letter) for letter in letters}
    edges = any(label[:1] == "-" or label[-1:] == "-" for label in letters.split("."))
    return bool(marks & {"R", "AL", "AN"}) or edges or not LATER.isdisjoint(name)


def _decoded(name: str) -> str:
    if not name.lower().startswith("xn--"):
        return name
    label, dot, rest = name[4:].partition(".")
    try:
        return f"{label.encode().decode('punycode')}{dot}{rest}"
    except UnicodeError:
        return name


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_names_lead_where_a_browser_would_lead() -> None:
    program = (
        "const {domainToASCII} = require('url');"
        "require('readline').createInterface({input: process.stdin})"
        ".on('line', line => console.log(JSON.stringify(domainToASCII(JSON.parse(line)))));"
    )
    asked = list(names())
    told = subprocess.run(
        ["node", "-e", program],
        input="\n".join(map(json.dumps, asked)),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert len(told) == len(asked)
    found = {name: ascii_name(name) for name in asked}
    wanted = {name: json.loads(line) or None for name, line in zip(asked, told, strict=True)}
    others = {
        name: (found[name], wanted[name])
        for name in asked
        if found[name] != wanted[name] and not is_beside_the_oracle(name)
    }
    # What a URL may have and a host name of DNS may not.
    refused = {name for name, (ours, _) in others.items() if ours is None}
    assert {name: others[name] for name in others.keys() - refused} == {}
    assert all(ascii_name(others[name][1] or "") is None for name in refused)
    assert sum(name is not None for name in found.values()) > 10_000


def test_a_plain_name_loads_no_tables() -> None:
    program = (
        "import sys; from chalicelib.domain.domain_name import ascii_name;"
        "print(ascii_name('Example.COM'), 'idna' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["example.com", "False"]
