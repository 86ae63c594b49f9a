"""Makes tests/data/arc/*.yml, our own cases from the rules of RFC 8617, in the form that `tests.arc_suite` plays:

    .venv/bin/python -m tests.arc_vectors

Each case is a message whose signatures all hold but for what its name says, so that the rule decides and not a broken
signature. The key is the file's own, made for it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

FOLDER = Path(__file__).parent / "data" / "arc"
DOMAIN, SELECTOR, AT = "forwarder.example", "seal", 1_700_000_000
MESSAGE = """From: Joe <joe@author.example>
To: list@forwarder.example
Subject:  A  folded
\tsubject
Date: Tue, 14 Nov 2023 22:13:20 +0000
Message-ID: <1@author.example>

We  meet at nine. \t
Bring the plans.

"""
WRITER = "mx.forwarder.example"
RESULTS = f"{WRITER}; spf=pass smtp.mailfrom=author.example;\n\tdkim=none; dmarc=pass"
KEY = generate_private_key(65_537, 2_048)
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
RECORD = f"v=DKIM1; k=rsa; p={PUBLIC}"
PLACE = f"{SELECTOR}._domainkey.{DOMAIN}"
Tags = dict[str, str | None]
SHA1_TAG: Tags = {"a": "rsa-sha1"}


def relaxed(field: str) -> str:
    """RFC 6376 section 3.4.2."""
    name, _, value = field.partition(":")
    return f"{name.strip().lower()}:{' '.join(value.split())}"


def is_sha1(own: Tags | None) -> bool:
    """Whether the tags that are changed make it a signature with SHA-1."""
    return (own or {}).get("a") == "rsa-sha1"


def body_hash(message: str, form: str = "relaxed", sha1: bool = False) -> str:
    """RFC 6376 sections 3.4.3 and 3.4.4."""
    lines = message.partition("\n\n")[2].split("\n")
    if form == "relaxed":
        lines = [" ".join(("x" + line).split())[1:] for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    body = "".join(f"{line}\r\n" for line in lines) or ("" if form == "relaxed" else "\r\n")
    return base64.b64encode(hashed(body, sha1)).decode()


def hashed(text: str, sha1: bool) -> bytes:
    """By SHA-1 or SHA-256."""
    return hashlib.new("sha1" if sha1 else "sha256", text.encode()).digest()


def signature(text: str, sha1: bool) -> str:
    """Of the canonical text."""
    chosen = Prehashed(SHA1() if sha1 else SHA256())  # noqa: S303
    return base64.b64encode(KEY.sign(hashed(text, sha1), PKCS1v15(), chosen)).decode()


def fields_of(message: str) -> list[str]:
    """The fields, folds kept, from the top."""
    found: list[str] = []
    for line in message.partition("\n\n")[0].split("\n"):
        if line[:1] in (" ", "\t"):
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found


def tag_list(tags: Tags, own: Tags | None) -> str:
    """The tags with some changed; None takes one away, a name with a space in front of it stays so."""
    return ";\n\t".join(
        f"{name}={value}" for name, value in {**tags, **(own or {})}.items() if value is not None
    )


def signed_message(
    message: str, instance: int, own: Tags | None, edit: Callable[[str], str]
) -> str:
    """ARC-Message-Signature."""
    chosen: Tags = {"c": "relaxed/relaxed", **(own or {})}
    form = chosen["c"] or "simple/simple"
    tags: Tags = {
        "i": str(instance),
        "a": "rsa-sha256",
        "c": form,
        "d": DOMAIN,
        "s": SELECTOR,
        "t": str(AT + instance),
        "h": "from:to:subject:date:message-id",
        "bh": body_hash(message, form.partition("/")[2] or "simple", is_sha1(own)),
    }
    field = edit(f"ARC-Message-Signature: {tag_list(tags, own)}; b=")
    names = str({**tags, **(own or {})}["h"] or "").lower().split(":")
    left = fields_of(message)[::-1]
    canonical = relaxed if form.startswith("relaxed") else lambda one: one.replace("\n", "\r\n")
    text = ""
    for name in names:
        found = next((one for one in left if one.partition(":")[0].lower() == name), None)
        if found is not None:
            left.remove(found)
            text += f"{canonical(found)}\r\n"
    return field + signature(text + canonical(field), is_sha1(own))


def seal(scope: Iterable[str], instance: int, state: str, own: Tags | None) -> str:
    """ARC-Seal."""
    tags: Tags = {
        "i": str(instance),
        "a": "rsa-sha256",
        "cv": state,
        "d": DOMAIN,
        "s": SELECTOR,
        "t": str(AT + instance),
    }
    field = f"ARC-Seal: {tag_list(tags, own)}; b="
    text = "".join(f"{relaxed(one)}\r\n" for one in scope) + relaxed(field)
    return field + signature(text, is_sha1(own))


class Made:
    """A message under way through forwarders."""

    def __init__(self, message: str = MESSAGE) -> None:
        self.message = message
        self.sets: list[str] = []

    def add(  # one argument a thing that may be changed
        self,
        *,
        state: str = "",
        instance: int = 0,
        results: str | None = None,
        ams: Tags | None = None,
        seal_tags: Tags | None = None,
        edit: Callable[[str], str] = str,
        without: str = "",
        alone: bool = False,
    ) -> Made:
        """One set more. `without` is the name of a field that is left out; with `alone` the seal signs its own set."""
        number = instance or len(self.sets) // 3 + 1
        state = state or ("none" if number == 1 else "pass")
        told = results or f"ARC-Authentication-Results: i={number}; {RESULTS}"
        signed = signed_message(self.message, number, ams, edit)
        scope = [*([] if alone else self.sets), told, signed]
        sealed = seal(scope, number, state, seal_tags)
        self.sets += [told, signed, sealed]
        shown = [one for one in (sealed, signed, told) if not (without and one.startswith(without))]
        self.message = "\n".join([*shown, self.message])
        return self

    def changed(self, old: str, new: str) -> Made:
        """What somebody did to it on the way."""
        assert old in self.message
        self.message = self.message.replace(old, new)
        return self


def chain(length: int) -> Made:
    """So many sets, all valid."""
    made = Made()
    for _ in range(length):
        made.add()
    return made


def _twice(name: str) -> Made:
    made = chain(2)
    field = next(one for one in fields_of(made.message) if one.startswith(name))
    made.message = f"{field}\n{made.message}"
    return made


def _told_by_others(made: Made, state: str, writer: str = WRITER) -> Made:
    """With what was found in fields of its own, of which a stranger wrote one."""
    lines = [
        f"{writer}; arc={state}; spf=pass smtp.mailfrom=author.example",
        "other.example; dmarc=fail",
        f"{WRITER};\n\tdkim=none; dmarc=pass",
    ]
    made.message = "".join(f"Authentication-Results: {one}\n" for one in lines) + made.message
    return made


VALIDATION: dict[str, tuple[str, Made]] = {
    "no_arc_fields": ("None", Made()),
    "empty_message": ("None", Made("\n")),
    "one_set": ("Pass", chain(1)),
    "two_sets": ("Pass", chain(2)),
    "five_sets": ("Pass", chain(5)),
    "fifty_sets": ("Pass", chain(50)),
    "fifty_one_sets": ("Fail", chain(51)),
    "body_changed": ("Fail", chain(1).changed("nine", "ten")),
    "body_changed_then_sealed": ("Pass", chain(1).changed("nine", "ten").add()),
    "from_changed": ("Fail", chain(2).changed("Joe", "Jim")),
    "from_added": ("Pass", chain(1).changed("To: list", "X-Other: y\nTo: list")),
    "results_changed": ("Fail", chain(2).changed("spf=pass", "spf=fail")),
    "white_space_changed": ("Pass", chain(2).changed("A  folded\n\tsubject", "A folded subject")),
    "seal_says_fail": ("Fail", chain(1).add(state="fail")),
    "seal_says_fail_of_itself": ("Fail", chain(1).add(state="fail", alone=True)),
    "first_seal_says_pass": ("Fail", Made().add(state="pass")),
    "second_seal_says_none": ("Fail", chain(1).add(state="none")),
    "older_seal_says_fail": ("Fail", chain(1).add(state="fail").add()),
    "seal_without_cv": ("Fail", Made().add(seal_tags={"cv": None})),
    "seal_with_empty_cv": ("Fail", Made().add(seal_tags={"cv": ""})),
    "seal_with_unknown_cv": ("Fail", Made().add(seal_tags={"cv": "maybe"})),
    "seal_with_h": ("Fail", Made().add(seal_tags={"h": "from"})),
    "seal_with_sha1": ("Pass", Made().add(seal_tags=SHA1_TAG)),
    "second_seal_with_sha1": ("Pass", chain(1).add(seal_tags=SHA1_TAG)),
    "sealed_again_with_sha256": ("Pass", Made().add(ams=SHA1_TAG, seal_tags=SHA1_TAG).add()),
    "sealed_with_sha1_and_changed": (
        "Fail",
        Made().add(ams=SHA1_TAG, seal_tags=SHA1_TAG).changed("nine", "ten"),
    ),
    "seal_with_sha1_says_sha256": (
        "Fail",
        Made().add(seal_tags=SHA1_TAG).changed("a=rsa-sha1", "a=rsa-sha256"),
    ),
    "seal_with_sha256_says_sha1": (
        "Fail",
        chain(1).changed("ARC-Seal: i=1;\n\ta=rsa-sha256", "ARC-Seal: i=1;\n\ta=rsa-sha1"),
    ),
    "seal_without_t": ("Pass", Made().add(seal_tags={"t": None})),
    "seal_with_unknown_tag": ("Pass", Made().add(seal_tags={"z9": "x"})),
    "seal_without_d": ("Fail", Made().add(seal_tags={"d": None})),
    "seal_without_s": ("Fail", Made().add(seal_tags={"s": None})),
    "seal_without_a": ("Fail", Made().add(seal_tags={"a": None})),
    "seal_without_i": ("Fail", Made().add(seal_tags={"i": None})),
    "seal_with_zero_i": ("Fail", Made().add(seal_tags={"i": "0"})),
    "seal_with_leading_zero_i": ("Fail", Made().add(seal_tags={"i": "01"})),
    "seal_with_negative_i": ("Fail", Made().add(seal_tags={"i": "-1"})),
    "seal_of_another_set": ("Fail", Made().add(seal_tags={"i": "2"})),
    "seal_signs_its_own_set": ("Fail", chain(1).add(alone=True)),
    "begins_at_two": ("Fail", Made().add(instance=2)),
    "a_set_is_missing": ("Fail", chain(1).add(instance=3)),
    "seal_is_missing": ("Fail", chain(1).add(without="ARC-Seal")),
    "message_signature_is_missing": ("Fail", chain(1).add(without="ARC-Message")),
    "results_are_missing": ("Fail", chain(1).add(without="ARC-Auth")),
    "older_results_are_missing": ("Fail", Made().add(without="ARC-Auth").add()),
    "two_seals": ("Fail", _twice("ARC-Seal")),
    "two_message_signatures": ("Fail", _twice("ARC-Message")),
    "two_results": ("Fail", _twice("ARC-Auth")),
    "results_without_i": ("Fail", Made().add(results=f"ARC-Authentication-Results: {RESULTS}")),
    "results_with_i_last": (
        "Fail",
        Made().add(results=f"ARC-Authentication-Results: {RESULTS}; i=1"),
    ),
    "results_folded_before_i": (
        "Pass",
        Made().add(results=f"ARC-Authentication-Results:\n\ti = 1 ; {RESULTS}"),
    ),
    "message_signature_simple_body": ("Pass", Made().add(ams={"c": "relaxed/simple"})),
    "message_signature_simple_fields": ("Pass", Made().add(ams={"c": "simple/relaxed"})),
    "message_signature_simple": ("Pass", Made().add(ams={"c": "simple/simple"})),
    "message_signature_unknown_form": ("Fail", Made().add(ams={"c": "relaxed/loose"})),
    "message_signature_signs_a_seal": ("Fail", chain(1).add(ams={"h": "from:arc-seal"})),
    "message_signature_signs_results": (
        "Pass",
        chain(1).add(ams={"h": "from:arc-authentication-results"}),
    ),
    "message_signature_signs_others_of_its_name": (
        "Pass",
        chain(1).add(ams={"h": "from:arc-message-signature:arc-message-signature"}),
    ),
    "message_signature_upper_case_h": ("Pass", Made().add(ams={"h": "FROM:Subject"})),
    "message_signature_signs_what_is_absent": ("Pass", Made().add(ams={"h": "from:from:cc"})),
    "message_signature_without_h": ("Fail", Made().add(ams={"h": None})),
    "message_signature_empty_h": ("Pass", Made().add(ams={"h": ""})),
    "message_signature_with_an_empty_name": ("Pass", Made().add(ams={"h": "from::subject"})),
    "message_signature_with_a_broken_name": ("Fail", Made().add(ams={"h": "from:sub ject"})),
    "message_signature_without_c": ("Pass", Made().add(ams={"c": None})),
    "message_signature_relaxed_without_c": (
        "Fail",
        Made().add(
            ams={"c": "relaxed/relaxed"},
            edit=lambda one: one.replace("c=relaxed/relaxed;\n\t", ""),
        ),
    ),
    "message_signature_without_bh": ("Fail", Made().add(ams={"bh": None})),
    "message_signature_empty_bh": ("Fail", Made().add(ams={"bh": ""})),
    "message_signature_broken_bh": ("Fail", Made().add(ams={"bh": "!!!"})),
    "message_signature_without_a": ("Fail", Made().add(ams={"a": None})),
    "message_signature_sha1": ("Pass", Made().add(ams=SHA1_TAG)),
    "message_signature_sha1_simple_body": (
        "Pass",
        Made().add(ams={**SHA1_TAG, "c": "simple/simple"}),
    ),
    "message_signature_sha1_body_changed": (
        "Fail",
        Made().add(ams=SHA1_TAG).changed("nine", "ten"),
    ),
    "message_signature_unknown_a": ("Fail", Made().add(ams={"a": "rsa-md5"})),
    "message_signature_without_d": ("Fail", Made().add(ams={"d": None})),
    "message_signature_without_s": ("Fail", Made().add(ams={"s": None})),
    "message_signature_without_t": ("Pass", Made().add(ams={"t": None})),
    "message_signature_broken_t": ("Fail", Made().add(ams={"t": "soon"})),
    "message_signature_expired": ("Fail", Made().add(ams={"x": str(AT + 60)})),
    "message_signature_unknown_tag": ("Pass", Made().add(ams={"x_y": "z"})),
    "message_signature_spaced": ("Pass", Made().add(edit=lambda one: one.replace("d=", "d = "))),
    "message_signature_double_semicolon": (
        "Fail",
        Made().add(edit=lambda one: one.replace("d=", ";d=")),
    ),
    "message_signature_tag_twice": (
        "Fail",
        Made().add(edit=lambda one: one.replace("d=", f"s={SELECTOR}; d=")),
    ),
    "message_signature_wrong_tag_name": (
        "Fail",
        Made().add(edit=lambda one: one.replace("d=", "_x=y; d=")),
    ),
    "message_signature_upper_case_tag": (
        "Fail",
        Made().add(edit=lambda one: one.replace("d=", "D=")),
    ),
    "no_key": ("Fail", Made().add(seal_tags={"s": "absent"})),
    "revoked_key": ("Fail", Made().add(seal_tags={"s": "revoked"})),
    "key_for_sha1": ("Fail", Made().add(seal_tags={"s": "sha1"})),
    "key_for_sha1_used_so": ("Pass", Made().add(seal_tags={"s": "sha1", **SHA1_TAG})),
    "key_for_sha256": ("Pass", Made().add(seal_tags={"s": "sha256"})),
    "key_for_sha256_used_with_sha1": ("Fail", Made().add(seal_tags={"s": "sha256", **SHA1_TAG})),
    "key_for_another_service": ("Fail", Made().add(ams={"s": "tlsrpt"})),
}
# What is in the newest set: its instance and what its seal says, or nothing where none is added.
SEALING: dict[str, tuple[tuple[int, str] | None, Made]] = {
    "first_set": ((1, "none"), Made()),
    "second_set": ((2, "pass"), chain(1)),
    "fiftieth_set": ((50, "pass"), chain(49)),
    "no_fifty_first_set": (None, chain(50)),
    "body_changed": ((2, "fail"), chain(1).changed("nine", "ten")),
    "results_changed": ((3, "fail"), chain(2).changed("spf=pass", "spf=fail")),
    "a_set_is_missing": ((4, "fail"), chain(1).add(instance=3)),
    "results_are_missing": ((3, "fail"), chain(1).add(without="ARC-Auth")),
    "two_seals": ((3, "fail"), _twice("ARC-Seal")),
    "first_seal_says_pass": ((2, "fail"), Made().add(state="pass")),
    "seal_with_broken_i": ((2, "fail"), Made().add(seal_tags={"i": "a"})),
    "failed_before": (None, chain(1).add(state="fail", alone=True)),
    "failed_long_before": ((4, "fail"), chain(1).add(state="fail").add()),
    "told_in_several_fields": ((2, "pass"), _told_by_others(chain(1), "pass")),
    "told_by_a_name_with_comments": (
        (2, "pass"),
        _told_by_others(chain(1), "pass", f"(for us) {WRITER} (of us)"),
    ),
    "after_sha1": ((2, "pass"), Made().add(ams=SHA1_TAG, seal_tags=SHA1_TAG)),
    "told_otherwise_than_found": ((2, "fail"), _told_by_others(chain(1), "fail")),
}


def validation() -> dict[str, Any]:
    """The document of cases of validation."""
    tests = {
        name: {"spec": "RFC 8617 5.2", "message": made.message, "cv": state}
        for name, (state, made) in VALIDATION.items()
    }
    records = {
        PLACE: RECORD,
        f"revoked._domainkey.{DOMAIN}": "v=DKIM1; k=rsa; p=",
        f"sha1._domainkey.{DOMAIN}": f"v=DKIM1; h=sha1; p={PUBLIC}",
        f"sha256._domainkey.{DOMAIN}": f"v=DKIM1; h=sha256; p={PUBLIC}",
        f"tlsrpt._domainkey.{DOMAIN}": f"v=DKIM1; s=tlsrpt; p={PUBLIC}",
    }
    return {"description": "Validation", "tests": tests, "txt-records": records}


def sealing() -> dict[str, Any]:
    """The document of cases of sealing."""
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return {
        "description": "Sealing",
        "tests": {name: _to_seal(made, expected) for name, (expected, made) in SEALING.items()},
        "domain": DOMAIN,
        "sel": SELECTOR,
        "privatekey": pem.decode(),
        "txt-records": {PLACE: RECORD},
    }


def _to_seal(made: Made, expected: tuple[int, str] | None) -> dict[str, Any]:
    case: dict[str, Any] = {"spec": "RFC 8617 5.1", "message": made.message, "t": AT + 100}
    case |= {"sig-headers": "from:to:subject:date"}
    found = RESULTS
    if made.message.startswith("Authentication-Results"):
        case |= {"srv-id": WRITER}
        found = RESULTS.replace(";", f"; arc={expected[1]};", 1) if expected else ""
    else:
        case |= {"auth-res": RESULTS}
    if expected is None:
        return case | {"AS": "", "AMS": "", "AAR": ""}
    number, state = expected
    names = f"i={number}; a=rsa-sha256; d={DOMAIN}; s={SELECTOR}; t={AT + 100}"
    return case | {
        "AS": f"{names}; cv={state}",
        "AMS": f"{names}; c=relaxed/relaxed; bh={body_hash(made.message)}",
        "AAR": f"i={number}; {found}",
    }


def main() -> None:
    """Write both files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, document in (("validation", validation()), ("sealing", sealing())):
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1_000)
        (FOLDER / f"{name}.yml").write_text(text)


if __name__ == "__main__":
    main()
