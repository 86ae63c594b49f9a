"""The installation is shown, and its notice changed, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.cli.conftest import Run

if TYPE_CHECKING:
    import pytest


def test_a_notice_is_set_shown_and_cleared(posthorn: Run) -> None:
    assert posthorn("installation", "set", "--notice", "Back soon", "--json").json["notice"] == (
        "Back soon"
    )
    shown = posthorn("installation", "show").out
    assert "Back soon" in shown
    assert "v=spf1 include:spf.ph.example -all" in shown
    assert posthorn("installation", "set", "--clear", "notice", "--json").json["notice"] is None
    assert posthorn("installation", "set").code == 2
    assert posthorn("installation", "set", "--notice", "two\nlines").code == 1


def test_an_openid_provider_is_set_changed_and_taken_away(
    posthorn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTHORN_OIDC_SECRET", "open sesame")
    new = ["--oidc-name", "Acme", "--oidc-issuer", "https://id.acme.test"]
    new += ["--oidc-client-id", "posthorn", "--oidc-secret", "--oidc-create-domain", "acme.test"]
    made = posthorn("installation", "set", *new, "--json").json["oidc_settings"]
    assert (made["name"], made["has_client_secret"]) == ("Acme", True)
    assert made["create_domains"] == ["acme.test"]
    changed = posthorn(
        "installation", "set", "--oidc-scope", "openid", "--no-oidc-local-sign-in", "--json"
    ).json["oidc_settings"]
    assert (changed["scopes"], changed["local_sign_in"]) == (["openid"], False)
    assert changed["create_domains"] == ["acme.test"]
    shown = posthorn("installation", "show").out
    assert "Acme, https://id.acme.test" in shown
    assert "sesame" not in shown
    gone = posthorn("installation", "set", "--clear", "oidc", "--json").json
    assert (gone["oidc"], gone["oidc_settings"]) == (None, None)
