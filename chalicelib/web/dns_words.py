"""What is said of each DNS record: what it is for, how it stands, and mistakes that we know, each in a line.

Pure: a record as the API shows it in, words out. A mistake that we do not know is said in the API's own text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from chalicelib.web.dns_difference import Difference, difference

Record = Mapping[str, Any]
LONGEST_STRING = 255  # octets of one string of a TXT record


class Purpose(NamedTuple):
    """What a record is called, and in five words what it does."""

    title: str
    use: str


PURPOSES: Mapping[str, Purpose] = {
    "ownership": Purpose("Ownership", "shows that the domain is yours"),
    "spf": Purpose("SPF", "lets us send for this domain"),
    "dkim-rsa": Purpose("DKIM, RSA", "proves that mail is yours"),
    "dkim-ed25519": Purpose("DKIM, Ed25519", "the same with a newer kind of key"),
    "return-path": Purpose("Return path", "lets bounces find us, aligns SPF"),
    "dmarc": Purpose("DMARC", "tells receivers what to do with forgeries"),
    "track": Purpose("Tracking", "links and opens on your own name"),
    "mx": Purpose("Incoming mail", "only if this domain receives mail here"),
    "mta-sts": Purpose("MTA-STS", "other servers must use TLS to you"),
    "tls-rpt": Purpose("TLS reports", "other servers report failures of TLS"),
    "bimi": Purpose("BIMI", "your logo beside your mail"),
}
NEEDED = ("ownership", "spf", "dkim-rsa", "dkim-ed25519")
RECOMMENDED = ("return-path", "dmarc", "track")


class Said(NamedTuple):
    """How a record stands: the word beside it, its tone, and what to do in a sentence; none when it is right."""

    word: str
    tone: str
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A record with all that a page says of it."""

    record: Record
    domain: str
    said: Said
    difference: Difference | None
    is_open: bool

    @property
    def purpose(self) -> Purpose:
        """Its title and use; a purpose that is new stands for itself."""
        name = str(self.record["purpose"])
        return PURPOSES.get(name) or Purpose(name, "")

    @property
    def is_wrong(self) -> bool:
        """Whether it must be repaired."""
        return self.said.tone in ("bad", "late")

    @property
    def relative(self) -> str:
        """The name as most panels want it: without the domain, `@` for the domain itself."""
        name = str(self.record["name"])
        return "@" if name == self.domain else name.removesuffix(f".{self.domain}")

    @property
    def wanted(self) -> str:
        """What to publish: ours, or theirs with ours in it."""
        return str(self.record["suggestion"] or self.record["value"])

    @property
    def pasted(self) -> str:
        """What to paste: a text longer than one string of DNS as several quoted ones."""
        text = self.wanted
        if self.record["type"] != "TXT" or len(text) <= LONGEST_STRING:
            return text
        parts = (text[at : at + LONGEST_STRING] for at in range(0, len(text), LONGEST_STRING))
        return " ".join(f'"{part}"' for part in parts)


def shown(record: Record, domain: Mapping[str, Any]) -> Shown:
    """A record of a domain, which has `name`, `records`, `dkim_ok` and `return_path_ok`."""
    said = _said(record, domain)
    found = record["found"]
    compared = None
    if len(found) == 1 and said.tone in ("bad", "late"):
        compared = difference(
            str(record["purpose"]), str(record["suggestion"] or record["value"]), found[0]
        )
    is_new = record["status"] is None and not domain.get("verified_at")
    is_open = said.tone in ("bad", "late") or (is_new and record["purpose"] in NEEDED)
    return Shown(record, str(domain["name"]), said, compared, is_open)


def _said(record: Record, domain: Mapping[str, Any]) -> Said:
    status, purpose, found = record["status"], str(record["purpose"]), record["found"]
    if status is None:
        return Said("Not looked up yet", "idle")
    if status == "Unknown":
        return Said(
            "No answer",
            "late",
            "The name servers of the domain did not answer, or not all of them. Nothing changes until they do.",
        )
    if status == "OK":
        return _right(purpose, found, domain)
    if not found:
        return _missing(record)
    mistake = _MISTAKES.get(purpose, _other)(record, found, domain)
    return mistake or Said("Not as wanted", _tone(record), str(record["text"]))


def _right(purpose: str, found: Sequence[str], domain: Mapping[str, Any]) -> Said:
    if purpose == "spf" and found and _lets_everybody(found[0]):
        return Said(
            "Lets everybody send",
            "late",
            "“+all” lets every server of the world send for you. End with ~all.",
        )
    if purpose == "dmarc" and found:
        policy = _tag(found[0], "p")
        if policy in ("quarantine", "reject") and not (
            domain["dkim_ok"] or domain["return_path_ok"]
        ):
            return Said(
                f"p={policy} hits your own mail",
                "bad",
                "Neither DKIM nor the return path speaks for this domain yet, so receivers that follow the policy turn "
                "your own mail away. Repair DKIM first.",
            )
        return Said(f"p={policy}" if policy else "Correct", "good")
    return Said("Correct", "good")


def _missing(record: Record) -> Said:
    if record["purpose"] in NEEDED:
        return Said(
            "Not found",
            "bad" if record["required"] or record["purpose"] == "spf" else "late",
            "There is no such record. If you have published it, look at the name: many panels add the domain by "
            "themselves, and the record then lies at a name that has the domain twice.",
        )
    if record["required"]:
        return Said("Not found", "bad", "There is no such record.")
    return Said("Not set", "idle", "Publish this record.")


def _tone(record: Record) -> str:
    return (
        "bad"
        if record["required"] or record["purpose"] in ("spf", "return-path", "dkim-rsa")
        else "late"
    )


def _spf(record: Record, found: Sequence[str], domain: Mapping[str, Any]) -> Said | None:
    text = str(record["text"])
    if len(found) > 1:
        return Said(
            f"{len(found)} records",
            "bad",
            "Receivers take none when there are several. Put all into one record, and delete the others.",
        )
    if "look-ups" in text:
        return Said(
            "Too many look-ups",
            "bad",
            f"{text} Receivers stop there: take out what you do not need.",
        )
    if record["suggestion"]:
        return Said(
            "One part is missing",
            "bad",
            "Your record does not name us. Replace it with this one, which keeps what you have:",
        )
    return None


def _dkim(record: Record, found: Sequence[str], domain: Mapping[str, Any]) -> Said | None:
    tone = _tone(record)
    if len(found) > 1:
        return Said(f"{len(found)} records", tone, "There must be one. Delete all but ours.")
    wanted, there = _bare(record["value"]), _bare(found[0])
    others = (
        one
        for one in domain["records"]
        if one["purpose"] == record["purpose"] and one is not record
    )
    if any(there == _bare(one["value"]) for one in others):
        return Said(
            "Another key",
            tone,
            "This is a key of ours, but not the one of this name. Publish this one here.",
        )
    if _bare(found[0].replace('"', "")) == wanted:
        return Said(
            "Quotation marks in it",
            tone,
            "The quotation marks became part of the record. Paste it without them.",
        )
    if _bare(found[0].replace("\\;", ";")) == wanted:
        return Said(
            "Backslashes in it",
            tone,
            "Your DNS provider shows “\\;” where “;” must stand. Paste it without backslashes.",
        )
    if wanted.startswith(there) and there:
        return Said(
            "The end is missing",
            tone,
            f"The record stops after {len(found[0])} characters: your DNS provider has cut it. Paste it as the quoted "
            "strings that Copy gives you; receivers join them.",
        )
    return None


def _alias(record: Record, found: Sequence[str], domain: Mapping[str, Any]) -> Said | None:
    if found[0].count(".") == 3 and found[0].replace(".", "").isdigit():
        return Said(
            "Hidden by a proxy",
            "bad",
            "Your DNS provider answers with its own address. Switch its proxy off for this name.",
        )
    return Said("Points elsewhere", _tone(record), str(record["text"]))


def _mx(record: Record, found: Sequence[str], domain: Mapping[str, Any]) -> Said | None:
    if record["required"]:
        return Said("Points elsewhere", "bad", str(record["text"]))
    return Said(
        "Points elsewhere",
        "idle",
        "Mail for this domain goes to another service. That is right unless it is to come in here.",
    )


def _other(record: Record, found: Sequence[str], domain: Mapping[str, Any]) -> Said | None:
    if len(found) > 1:
        return Said(f"{len(found)} records", _tone(record), str(record["text"]))
    return None


_MISTAKES = {
    "spf": _spf,
    "dkim-rsa": _dkim,
    "dkim-ed25519": _dkim,
    "return-path": _alias,
    "track": _alias,
    "mx": _mx,
}


def _lets_everybody(policy: str) -> bool:
    return any(term.lower() in ("all", "+all") for term in policy.split())


def _tag(text: str, name: str) -> str:
    for one in text.split(";"):
        key, _, value = one.partition("=")
        if key.strip().lower() == name:
            return value.strip().lower()[:20]
    return ""


def _bare(text: str) -> str:
    return "".join(str(text).split()).removesuffix(";")
