"""The admin of a running stack signs in to its pages, and the links in its mail lead to them."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.e2e.stack import RunningStack

NEW = "another good password"


def signed_in(stack: RunningStack, email: str, password: str) -> tuple[int, dict[str, Any]]:
    body = {"email": email, "password": password}
    status, answer = stack.request("POST", "/api/v2/sessions", body)
    return status, json.loads(answer)


def test_the_admin_signs_in_and_owns_the_demo_tenant(stack: RunningStack) -> None:
    admin = stack.facts["admin"]
    status, session = signed_in(stack, admin["email"], admin["password"])
    assert status == 201
    assert session["user"]["admin"] is True
    assert (session["user"]["totp"], session["user"]["passkeys"]) == (False, 0)
    (membership,) = session["memberships"]
    assert (membership["organization"], membership["role"]) == ("demo", "owner")
    status, answer = signed_in(stack, admin["email"], "wrong")
    assert (status, answer["code"]) == (401, "unauthenticated")


def test_a_link_in_the_inbox_leads_to_the_pages_and_changes_the_password(
    stack: RunningStack,
) -> None:
    key = {"Authorization": f"Bearer {stack.facts['management_key']}"}
    email = "ada@people.example.test"
    made = {"email": email, "password": "a first good password"}
    assert stack.request("POST", "/api/v2/users", made, key)[0] == 201
    assert stack.request("POST", "/api/v2/password-resets", {"email": email})[0] == 202
    text = stack.raw(stack.arrival(email)).decode()
    found = re.search(r"(http://localhost:\d+)/login/reset/(\w+)", text)
    assert found is not None, text
    assert found[1] == stack.facts["pages"]
    path = f"/api/v2/password-resets/{found[2]}"
    assert stack.request("PUT", path, {"password": NEW})[0] == 204
    assert signed_in(stack, email, NEW)[0] == 201
    assert signed_in(stack, email, "a first good password")[0] == 401
