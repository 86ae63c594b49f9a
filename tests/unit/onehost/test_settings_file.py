"""The settings file says what the variables say, and what is wrong with it is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.config import read_settings
from chalicelib.domain.errors import PermanentFailure
from gateway.configuration import read_configuration
from onehost import settings_file
from onehost.options import read_options
from onehost.settings_file import KNOWN, environment_of, settings_path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "posthorn.toml"


def test_each_kind_of_value_is_read(file: Path) -> None:
    file.write_text(
        'smtp_hostname = "mail.acme.com"\nresent_sender = false\nmax_recipients = 50\n'
        "data_seconds = 2\nlistener_share = 0.1\nhttp_port = 8080\n"
    )
    found = environment_of(file, {})
    settings, configuration = read_settings(found), read_configuration(found)
    assert (settings.smtp_hostname, settings.resent_sender) == ("mail.acme.com", False)
    assert settings.max_recipients == 50
    assert (configuration.data_seconds, configuration.listener_share) == (2, 0.1)
    assert read_options(found).http_port == 8080


def test_the_environment_wins_unless_it_is_empty(file: Path) -> None:
    file.write_text('smtp_hostname = "mail.acme.com"\nweb_hostname = "web.acme.com"\n')
    environment = {"POSTHORN_SMTP_HOSTNAME": "other.acme.com", "POSTHORN_WEB_HOSTNAME": ""}
    settings = read_settings(environment_of(file, environment | {"HOME": "/"}))
    assert (settings.smtp_hostname, settings.web_hostname) == ("other.acme.com", "web.acme.com")


def test_without_a_file_the_environment_is_as_it_was() -> None:
    environment = {"POSTHORN_SMTP_HOSTNAME": "", "HOME": "/"}
    assert environment_of(None, environment) == environment


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'smtp_hostnme = "x"',
            "'smtp_hostnme', which is no setting (did you mean 'smtp_hostname'?)",
        ),
        ('POSTHORN_MX_PORT = "x"', "did you mean 'mx_port'"),
        ("something = 1", "'something', which is no setting"),
        ("[gateway]\nmx_port = 25", "'gateway', which is no setting"),
        ("[mx_port]\nnumber = 25", "mx_port must be a whole number, not {'number': 25}"),
        ('mx_port = "25"', "mx_port must be a whole number, not '25'"),
        ("mx_port = true", "mx_port must be a whole number, not True"),
        ("mx_port = 2.5", "mx_port must be a whole number, not 2.5"),
        ('smtp_hostname = "a\\u0000b"', "smtp_hostname has a NUL character in it"),
        ("data_seconds = false", "data_seconds must be a number, not False"),
        ("resent_sender = 1", "resent_sender must be true or false, not 1"),
        ("smtp_hostname = 4", "smtp_hostname must be a text in quotes, not 4"),
        ("mx_port = ", "is not TOML: Invalid value (at"),
        ("mx_port = 1\nmx_port = 2", "is not TOML: Cannot overwrite a value (at"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(PermanentFailure) as failure:
        environment_of(file, {})
    assert said in failure.value.public
    assert str(file) in failure.value.public
    assert "\n" not in failure.value.public


def test_a_file_that_is_not_there_or_no_text(file: Path) -> None:
    with pytest.raises(
        PermanentFailure, match=r"There is no settings file .*: `posthorn init` writes one"
    ):
        environment_of(file, {})
    with pytest.raises(PermanentFailure, match="cannot be read: Is a directory"):
        environment_of(file.parent, {})
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(PermanentFailure, match="not in UTF-8"):
        environment_of(file, {})


def test_which_file_is_meant(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_file, "DEFAULT_PATH", file)
    assert settings_path(None, {}) is None
    file.write_text("")
    assert settings_path(None, {}) == file
    assert settings_path(None, {"POSTHORN_CONFIG": "/a"}) == Path("/a")
    assert settings_path(Path("/b"), {"POSTHORN_CONFIG": "/a"}) == Path("/b")


def test_no_name_means_two_things() -> None:
    assert {"smtp_hostname", "mx_port", "http_port", "state_folder"} <= KNOWN.keys()
    for name, kind in KNOWN.items():
        assert kind in (str, int, float, bool), name
