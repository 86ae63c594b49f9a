"""Reading the gateway's settings: names, kinds, and one clear sentence for what is wrong."""

from __future__ import annotations

import pytest

from gateway.clients import client_of, plain_address
from gateway.configuration import Configuration, Role, parse_networks, read_configuration


def test_defaults() -> None:
    configuration = read_configuration({})
    assert configuration == Configuration()
    assert configuration.listeners == (
        (Role.MX, 2525),
        (Role.SUBMISSION, 2587),
        (Role.SUBMISSIONS, 2465),
    )


def test_variables_have_the_fields_names() -> None:
    configuration = read_configuration(
        {
            "POSTHORN_MX_PORT": "-1",
            "POSTHORN_SUBMISSION_PORT": "1587",
            "POSTHORN_ALLOW_PLAIN_AUTH": "1",
            "POSTHORN_COMMAND_SECONDS": "2.5",
            "POSTHORN_PROXY_NETWORKS": "10.0.0.0/8, 2001:db8::/32",
            "POSTHORN_UNKNOWN": "ignored",
            "POSTHORN_STATE": "",
        }
    )
    assert configuration.listeners == ((Role.SUBMISSION, 1587), (Role.SUBMISSIONS, 2465))
    assert configuration.allow_plain_auth
    assert configuration.command_seconds == 2.5
    assert len(parse_networks(configuration.proxy_networks)) == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("POSTHORN_MX_PORT", "smtp"),
        ("POSTHORN_ALLOW_PLAIN_AUTH", "perhaps"),
        ("POSTHORN_DATA_SECONDS", "-3"),
        ("POSTHORN_DATA_SECONDS", "0"),
        ("POSTHORN_DATA_SECONDS", "nan"),
        ("POSTHORN_SHUTDOWN_SECONDS", "inf"),
        ("POSTHORN_MX_PORT", "65536"),
        ("POSTHORN_SUBMISSION_PORT", "-2"),
        ("POSTHORN_GATEWAY_HEALTH_PORT", "-1"),
        ("POSTHORN_MAX_COMMAND_LINE", "0"),
        ("POSTHORN_MAX_AUTH_LINE", "100"),
        ("POSTHORN_MAX_ERRORS", "0"),
        ("POSTHORN_COMMIT_MESSAGES", "0"),
        ("POSTHORN_COMMIT_BYTES", "0"),
        ("POSTHORN_LISTENER_SHARE", "nan"),
        ("POSTHORN_PROXY_NETWORKS", "10.0.0.0/99"),
        ("POSTHORN_TLS_CERTIFICATE", "only.pem"),
        ("POSTHORN_LISTENER_SHARE", "0.34"),
        ("POSTHORN_GATEWAY_MEMORY_MIB", "1.5"),
    ],
)
def test_what_is_wrong_is_named(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=name):
        read_configuration({name: text})


@pytest.mark.parametrize(
    ("address", "plain", "client"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::1", "fe80::"),
    ],
)
def test_who_counts_as_one_client(address: str, plain: str, client: str) -> None:
    assert plain_address(address) == plain
    assert client_of(plain) == client
