"""Independent DKIM verifiers behind one interface: dkimpy in process, and three programs when they are installed.

Each takes messages and the TXT records of the signers, and says for every message which of its signatures pass, as
`{(domain, selector): verdict}`; a good one has the verdict "pass". A program handles all messages in one start.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import dkim
import pytest

from tests.patience import PATIENCE

Verdicts = dict[tuple[str, str], str]
Verifier = Callable[[Sequence[bytes], Mapping[str, str]], list[Verdicts]]

MAILAUTH = Path(__file__).parent / "clients" / "node_modules" / "mailauth"

_PERL = r"""
use strict; use warnings;
use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS;
my ($records, @files) = @ARGV;
my %txt;
open(my $in, '<', $records) or die;
while (<$in>) { chomp; my ($name, $value) = split / /, $_, 2; $txt{$name} = $value }
no warnings 'redefine';
*Mail::DKIM::DNS::query = sub {
    my ($name) = @_;
    return unless exists $txt{$name};
    return (Net::DNS::RR->new(owner => $name, type => 'TXT', txtdata => [unpack '(A250)*', $txt{$name}]));
};
for my $file (@files) {
    my $dkim = Mail::DKIM::Verifier->new();
    open(my $mail, '<:raw', $file) or die;
    local $/; my $content = <$mail>;
    $dkim->PRINT($content);
    $dkim->CLOSE;
    print join("\t", map { join(' ', $_->domain, $_->selector, $_->result_detail) } $dkim->signatures), "\n";
}
"""

_NODE = """
const { dkimVerify } = require(process.argv[2] + '/lib/dkim/verify');
const { readFileSync } = require('fs');
const records = Object.fromEntries(readFileSync(process.argv[3], 'utf8').trim().split('\\n').map(
    line => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
const resolver = async (name, type) => {
    if (type === 'TXT' && name in records) return [[records[name]]];
    throw Object.assign(new Error('no record'), { code: 'ENOTFOUND' });
};
(async () => {
    const answers = [];
    for (const file of process.argv.slice(4)) {
        const found = await dkimVerify(readFileSync(file), { resolver });
        answers.push(found.results.map(one =>
            [one.signingDomain, one.selector, one.status.result, one.status.comment || '']));
    }
    console.log(JSON.stringify(answers));
})();
"""


def dkimpy(messages: Sequence[bytes], records: Mapping[str, str]) -> list[Verdicts]:
    """dkimpy, from our own requirements. Quadratic on white space: keep messages small."""

    def txt(name: bytes, timeout: int = 5) -> bytes | None:  # dkimpy's signature
        record = records.get(name.decode().rstrip("."))
        return record.encode() if record else None

    return [_dkimpy_one(message, txt) for message in messages]


def _dkimpy_one(message: bytes, txt: Callable[..., bytes | None]) -> Verdicts:
    found: Verdicts = {}
    verifier = dkim.DKIM(message)
    signatures = [value for name, value in verifier.headers if name.lower() == b"dkim-signature"]
    for index, signature in enumerate(signatures):
        tags = dkim.util.parse_tag_value(signature)
        key = (tags[b"d"].decode(), tags[b"s"].decode())
        try:
            found[key] = "pass" if dkim.DKIM(message).verify(idx=index, dnsfunc=txt) else "fail"
        except dkim.DKIMException as error:
            found[key] = repr(error)
    return found


def mail_dkim(messages: Sequence[bytes], records: Mapping[str, str]) -> list[Verdicts]:
    """Perl's Mail::DKIM. Knows Ed25519 only where Crypt::PK::Ed25519 is installed."""
    output = _run(["perl", "-e", _PERL, "--"], messages, records)
    verdicts = []
    for line in output.splitlines():
        parts = [entry.split(" ", 2) for entry in line.split("\t") if entry]
        verdicts.append({(domain, selector): detail for domain, selector, detail in parts})
    return verdicts


def mailauth(messages: Sequence[bytes], records: Mapping[str, str]) -> list[Verdicts]:
    """npm's mailauth."""
    output = _run(["node", "-e", _NODE, "--", "-"], messages, records, str(MAILAUTH))
    return [
        {
            (domain, selector): f"{result} {comment}".strip()
            for domain, selector, result, comment in one
        }
        for one in json.loads(output)
    ]


def opendkim(messages: Sequence[bytes], records: Mapping[str, str]) -> list[Verdicts]:
    """libopendkim by way of the filter's test mode."""
    program = shutil.which("opendkim") or "/usr/sbin/opendkim"
    verdicts = []
    with tempfile.TemporaryDirectory() as folder:
        keys, conf, mail = (Path(folder) / name for name in ("keys", "conf", "mail"))
        keys.write_text("".join(f"{name} {value}\n" for name, value in records.items()))
        conf.write_text(f"TestDNSData file:{keys}\nMode v\nSyslog no\nOn-BadSignature accept\n")
        for message in messages:
            mail.write_bytes(message)
            command = [program, "-x", str(conf), "-t", str(mail), "-v", "-v"]
            result = subprocess.run(
                command, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
            said = result.stdout + result.stderr
            entries = re.findall(
                r"dkim=(\w+)[^;]*? header\.d=(\S+)[^;]*?header\.s=([^\s;']+)", said
            )
            verdicts.append({(domain, selector): verdict for verdict, domain, selector in entries})
    return verdicts


def _run(
    command: list[str],
    messages: Sequence[bytes],
    records: Mapping[str, str],
    *before: str,
) -> str:
    """The output of a program that is given the arguments `before`, a file of records and one file a message."""
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "keys"
        keys.write_text("".join(f"{name} {value}\n" for name, value in records.items()))
        files = [Path(folder) / f"{number:05}.eml" for number in range(len(messages))]
        for file, message in zip(files, messages, strict=True):
            file.write_bytes(message)
        arguments = [*before, str(keys), *map(str, files)]
        result = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert result.returncode == 0, result.stderr
        return result.stdout


def _has_perl_module() -> bool:
    if shutil.which("perl") is None:
        return False
    command = ["perl", "-MMail::DKIM::Verifier", "-e", "1"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def verifier(name: str) -> Verifier:
    """A verifier by name; skips the calling test, saying why, where it is not installed."""
    if name == "Mail::DKIM" and not _has_perl_module():
        pytest.skip("perl with Mail::DKIM is not installed (Debian: libmail-dkim-perl)")
    if name == "mailauth" and (shutil.which("node") is None or not MAILAUTH.is_dir()):
        pytest.skip(f"node with mailauth in {MAILAUTH} is not installed")
    if name == "opendkim" and not (shutil.which("opendkim") or Path("/usr/sbin/opendkim").exists()):
        pytest.skip("opendkim is not installed (Debian: opendkim)")
    return {"dkimpy": dkimpy, "Mail::DKIM": mail_dkim, "mailauth": mailauth, "opendkim": opendkim}[
        name
    ]
