"""How to send with a key: the same message by curl, Python, Node, PHP, Ruby and SMTP, filled in and ready to paste.

Pure. What is filled in is of letters, digits and marks that need no quoting in any of these languages.
"""

from __future__ import annotations

from string import Template
from typing import NamedTuple


class Snippet(NamedTuple):
    """What it is called, and its text."""

    name: str
    text: str


class Submission(NamedTuple):
    """Where mail is submitted by SMTP, and as whom."""

    hostname: str
    port: int
    user: str


_API = {
    "curl": """\
curl $url/api/v2/emails \\
  -H 'Authorization: Bearer $key' \\
  -H 'Content-Type: application/json' \\
  -d '{"from": "$sender", "to": ["you@example.com"], "subject": "Hello", "text": "It works."}'
""",
    "Python": """\
import json
from urllib.request import Request, urlopen

email = {"from": "$sender", "to": ["you@example.com"], "subject": "Hello", "text": "It works."}
headers = {"Authorization": "Bearer $key", "Content-Type": "application/json"}
print(urlopen(Request("$url/api/v2/emails", json.dumps(email).encode(), headers)).read())
""",
    "Node": """\
const answer = await fetch("$url/api/v2/emails", {
  method: "POST",
  headers: { Authorization: "Bearer $key", "Content-Type": "application/json" },
  body: JSON.stringify({
    from: "$sender", to: ["you@example.com"], subject: "Hello", text: "It works.",
  }),
});
console.log(await answer.json());
""",
    "PHP": """\
<?php
$$email = ["from" => "$sender", "to" => ["you@example.com"], "subject" => "Hello", "text" => "It works."];
echo file_get_contents("$url/api/v2/emails", false, stream_context_create(["http" => [
    "method" => "POST",
    "header" => "Authorization: Bearer $key\\r\\nContent-Type: application/json",
    "content" => json_encode($$email),
]]));
""",
    "Ruby": """\
require "json"
require "net/http"

email = { from: "$sender", to: ["you@example.com"], subject: "Hello", text: "It works." }
headers = { "Authorization" => "Bearer $key", "Content-Type" => "application/json" }
puts Net::HTTP.post(URI("$url/api/v2/emails"), email.to_json, headers).body
""",
}
_SMTP = {
    "swaks": """\
swaks --server $host:$port --tls --auth PLAIN --auth-user '$user' --auth-password '$key' \\
  --from $sender --to you@example.com
""",
    "Python": """\
import smtplib
from email.message import EmailMessage

email = EmailMessage()
email["From"], email["To"], email["Subject"] = "$sender", "you@example.com", "Hello"
email.set_content("It works.")
with smtplib.SMTP("$host", $port) as smtp:
    smtp.starttls()
    smtp.login("$user", "$key")
    smtp.send_message(email)
""",
}


def by_api(url: str, key: str, sender: str) -> list[Snippet]:
    """Over HTTP."""
    return _filled(_API, {"url": url, "key": key, "sender": sender})


def by_smtp(place: Submission, key: str, sender: str) -> list[Snippet]:
    """Over SMTP."""
    told = {"host": place.hostname, "port": str(place.port), "user": place.user}
    return _filled(_SMTP, {**told, "key": key, "sender": sender})


def _filled(texts: dict[str, str], values: dict[str, str]) -> list[Snippet]:
    return [Snippet(name, Template(text).substitute(values)) for name, text in texts.items()]
