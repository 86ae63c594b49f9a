"""Mailboxes: those that people really have pass, as the envelope writes them, and nothing that has two readings."""

from __future__ import annotations

import pytest

from chalicelib.domain.mail.mailbox import domain_of, envelope_address, envelope_fault, identity


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com",
        "A@Example.COM",
        "first.last+tag@sub.example.com",
        "!#$%&'*+-/=?^_`{|}~@example.com",
        "a%b@example.com",
        "a!b@example.com",
        "try..this..0511@docomo.ne.jp",
        ".a@example.com",
        "a.@example.com",
        "john@abc_d.example.com",
        "a@_a_.example",
        "a@r3---x.example",
        '"quoted \\" local"@example.com',
        '"a@b"@example.com',
        '"@b c!(d),;:"@example.com',
        "a@localhost",
        "a@[192.0.2.1]",
        "a@[IPv6:2001:db8::1]",
        "a@[ipv6:::1]",
        "a@[IPV6:2001:DB8::1]",
        "x" * 64 + "@example.com",
        "a@" + "x" * 63 + ".example",
        "a@xn--strae-oqa.test",
        "a@XN--E28H.ws",
        "zoë@example.com",
        "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc@example.com",  # Persian, with a non-joiner
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3@example.com",  # Sinhala, with a joiner
        "\U0001d400@example.com",
        "\u2764\ufe0f@example.com",  # an emoji in its colours
        "\u2764\ufe0f\u200d\U0001f525@example.com",  # two joined to one
        "1\ufe0f\u20e3@example.com",  # a keycap
        "\u00b4@example.com",
        "\u0378@example.com",  # no letter yet
        "é" * 32 + "@example.com",
    ],
)
def test_a_mailbox_stays_as_it_is(address: str) -> None:
    assert envelope_address(address) == address


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("hans@straße.test", "hans@xn--strae-oqa.test"),
        ("Jürgen@BÜCHER.example", "Jürgen@xn--bcher-kva.example"),
        ("a@उदाहरण.परीक्षा", "a@xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g"),
        ("a@example\u3002com", "a@example.com"),
        ("a@\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45.com", "a@example.com"),
        ("a@😀.ws", "a@xn--e28h.ws"),
    ],
)
def test_a_domain_beyond_ascii_is_written_in_ascii(typed: str, written: str) -> None:
    assert envelope_address(typed) == written
    assert envelope_address(written) == written


@pytest.mark.parametrize(
    "text",
    [
        "x" * 65 + "@example.com",
        "é" * 33 + "@example.com",
        "a@" + ".".join(["x" * 63] * 4),
        "a@" + "x" * 64 + ".example",
        "a@" + "ü" * 60 + ".example",
        "",
        "@example.com",
        "a@",
        "a",
        "a@b@example.com",
        "a,b@example.com",
        "a;b@example.com",
        "a:b@example.com",
        "@relay.example:a@example.com",
        "a@-example.com",
        "a@example-.com",
        "a@-ü.example",
        "a@example..com",
        "a@example.com.",
        "a@.example.com",
        "a@xn--a.test",
        "a@xn--abc-.test",
        "a b@example.com",
        "a@exam ple.com",
        "a\u00a0b@example.com",
        "a\u3000b@example.com",
        "<a@example.com>",
        "a@example.com>",
        "a@example.com(x)other.example",
        "a(x)@example.com",
        "a@example.com\n",
        "a@example.com\r\nRCPT TO:<b@example.com>",
        "a\x00@example.com",
        '"a\r\n"@example.com',
        "a\u2028@example.com",
        "a\u0085@example.com",
        "a\ud800@example.com",
        "a\u202eb@example.com",
        "a\u2066b@example.com",
        "a\u200fb@example.com",
        "a\u200bb@example.com",
        "a\ufeffb@example.com",
        "a\u00adb@example.com",
        "a\ufffe@example.com",
        "a\ufe0f@example.com",
        "é\ufe0f@example.com",
        "\u2764\ufe0f\ufe0f@example.com",
        "\u2764\ufe0e@example.com",
        "é\u200d@example.com",
        "\u200cé@example.com",
        "é\u200d\u200dé@example.com",
        "a\u200db@example.com",
        "é\U000e0100@example.com",
        "é\U000e0041@example.com",
        "\u3164@example.com",
        "a\u3002b@example.com",
        "a\uff20good.example@example.com",
        "a\ufe64b@example.com",
        "a\uff0cb@example.com",
        "a@good.example\uff20example.com",
        "a@[192.0.2.1",
        "a@[192.0.2.1].example",
        '"a<b"@example.com',
        '"a\\>b"@example.com',
        '"foo@psres.test> ORCPT=admin@admin.test"@example.com',
        '"a"b@example.com',
        '"a"."b"@example.com',
        '"a"@"b"@example.com',
        '"a\\"@example.com',
    ],
)
def test_what_is_no_mailbox(text: str) -> None:
    assert envelope_address(text) is None


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("a@Example.COM", "example.com"),
        ('"a@b"@Example.com', "example.com"),
        ("a@[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]"),
        ("a@[ipv6:2001:DB8::1]", "[ipv6:2001:db8::1]"),
        ("a@BÜCHER.example", "xn--bcher-kva.example"),
        ("a@straße.example", "xn--strae-oqa.example"),
        ("x" * 100 + "@example.com", "example.com"),
        ("a@b@c", ""),
        ("a@example .com", ""),
        ("a@example.com\0", ""),
        ("nothing", ""),
        ("", ""),
    ],
)
def test_domain_of(address: str, domain: str) -> None:
    assert domain_of(address) == domain


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a@example.com", "a@EXAMPLE.com", True),
        ("a@bücher.example", "a@XN--BCHER-KVA.example", True),
        ("a@bücher.example", "a@BÜCHER.EXAMPLE", True),
        ("a@example.com", "A@example.com", False),
        ("a@straße.example", "a@strasse.example", False),
        ("maß@example.com", "mass@example.com", False),
        ("nobody", "NOBODY", False),
    ],
)
def test_one_mailbox_has_one_identity(one: str, other: str, same: bool) -> None:
    assert (identity(one) == identity(other)) is same


# Default_Ignorable_Code_Point of Unicode 16, DerivedCoreProperties.txt.
UNSEEN = [
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
]  # fmt: skip


def test_no_sign_that_nobody_sees_makes_two_mailboxes_of_one() -> None:
    for first, last in UNSEEN:
        for sign in map(chr, range(first, last + 1)):
            for local in (f"a{sign}b", f"a{sign}", f"{sign}a", f"é{sign}", f'"é{sign}"'):
                assert envelope_address(f"{local}@example.com") is None, (hex(ord(sign)), local)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a@b.test", None),
        ("nobody", None),
        ("", None),
        ("x" * 255, None),
        ("é" * 128, "has 256 octets, at most 255 are allowed"),
        ("a\tb@c.test", "contains a control character at character 1"),
        ("a\ud800", "contains a control character at character 1"),
        ("a\u202e", "contains a mark that turns the direction at character 1"),
    ],
)
def test_what_no_envelope_may_hold(text: str, fault: str | None) -> None:
    assert envelope_fault(text) == fault
