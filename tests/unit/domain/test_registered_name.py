"""What an organization has registered is known below registries and hosts that give names away."""

from __future__ import annotations

import time

import pytest

from chalicelib.domain.incoming.reports.senders import is_one_organization, vouches_for
from chalicelib.domain.registered_name import registered_name


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("mx.acme.com", "acme.com"),
        ("ACME.com.", "acme.com"),
        ("a.b.acme.co.uk", "acme.co.uk"),
        ("mx.acme.kobe.jp", "mx.acme.kobe.jp"),
        ("mx.city.kobe.jp", "city.kobe.jp"),
        ("mx.acme.gs.oslo.no", "acme.gs.oslo.no"),
        ("mx.acme.mi.it", "acme.mi.it"),
        ("mx.acme.med.br", "acme.med.br"),
        ("mx.shop.myshopify.com", "shop.myshopify.com"),
        ("a.tenant.onmicrosoft.com", "tenant.onmicrosoft.com"),
        ("mx.acme.xn--55qx5d.cn", "acme.xn--55qx5d.cn"),
        ("mx.acme.example", "acme.example"),
        ("co.uk", "co.uk"),
        ("onmicrosoft.com", "onmicrosoft.com"),
        ("com", "com"),
        ("localhost", "localhost"),
        ("", ""),
        ("a..b", "a..b"),
        ("192.0.2.1", "2.1"),
    ],
)
def test_the_registered_name(domain: str, name: str) -> None:
    assert registered_name(domain) == name


@pytest.mark.parametrize(
    ("sender", "domain", "speaks"),
    [
        ("mx.acme.com", "users.acme.com", True),
        ("acme.mi.it", "mx.acme.mi.it", True),
        ("eve.mi.it", "acme.mi.it", False),
        ("eve.tokyo.jp", "acme.tokyo.jp", False),
        ("eve.k12.ca.us", "acme.k12.ca.us", False),
        ("eve.myshopify.com", "acme.myshopify.com", False),
        ("eve.onmicrosoft.com", "acme.onmicrosoft.com", False),
        ("gmail.com", "gmail.com", False),
        ("", "", False),
    ],
)
def test_neighbours_below_a_registry_do_not_speak_for_each_other(
    sender: str, domain: str, speaks: bool
) -> None:
    assert vouches_for(sender, domain) is speaks
    assert is_one_organization(sender, domain) is (speaks or (bool(sender) and sender == domain))


def test_a_hostile_name_takes_no_time() -> None:
    registered_name("acme.com")
    began = time.process_time()
    assert registered_name(".".join(["a"] * 100_000)) == "a.a"
    registered_name("." * 100_000 + "a" * 100_000)
    assert time.process_time() - began < 0.5
