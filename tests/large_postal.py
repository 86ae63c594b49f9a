"""A Postal of any size: servers like the one that was recorded, each with its share of messages, made by MariaDB."""

from __future__ import annotations

from typing import Any

from tests.mariadb import MariaDb, Postal, Tables, create, insert

BODY = "x" * 2_000
RAW = "raw-2026-11-28"
FIRST = 1_000  # the number of the first server


def fill_large(place: MariaDb, given: dict[str, Tables], servers: int, messages: int) -> Postal:
    """A Postal with so many servers, and messages together: each with a delivery and its bytes, every tenth with two
    links, one of them clicked, every hundredth held."""
    postal = Postal(place)
    main = {name: table | {"rows": []} for name, table in given["main"].items()}
    for name in ("organizations", "users", "organization_users"):
        main[name]["rows"] = given["main"][name]["rows"]
    for number in range(FIRST, FIRST + servers):
        for name in ("servers", "domains", "credentials"):
            main[name]["rows"] = main[name]["rows"] + [_copied(given, name, number)]
    create(place, postal.name, main)
    for number in range(servers):
        share = messages // servers + (number < messages % servers)
        _fill_server(place, postal, given["server"], FIRST + number, share)
    return postal


def _copied(given: dict[str, Tables], table: str, number: int) -> dict[str, Any]:
    """A row of the recorded server as that of another."""
    (row,) = (
        one
        for one in given["main"][table]["rows"]
        if one["id"] == (4 if table == "credentials" else 2)
    )
    changed = row | {"id": number, "uuid": f"{table}-{number}"}
    match table:
        case "servers":
            return changed | {
                "permalink": f"s{number}",
                "token": _token(number),
                "name": f"S{number}",
            }
        case "domains":
            return changed | {"owner_id": number, "name": f"d{number}.example"}
    return changed | {"server_id": number, "key": f"LargePostalKeyOfServer{number}"}


def _token(number: int) -> str:
    letters = []
    for _ in range(6):
        number, digit = divmod(number, 26)
        letters.append(chr(ord("a") + digit))
    return "".join(letters)


def _fill_server(
    place: MariaDb, postal: Postal, tables: Tables, number: int, messages: int
) -> None:
    empty = {name: table | {"rows": []} for name, table in tables.items()}
    create(place, postal.messages(number), empty)
    with place.connect(postal.messages(number)) as db, db.cursor() as cursor:
        for statement in _statements(number, messages):
            cursor.execute(statement)
        insert(cursor, "suppressions", tables["suppressions"], tables["suppressions"]["rows"])


def _statements(number: int, messages: int) -> list[str]:
    source = f"FROM seq_1_to_{messages}"
    return [
        f"INSERT INTO `{RAW}`(id, data) SELECT 2 * seq - 1, CONCAT('From: hello@d{number}.example\\r\\nTo: r', seq,"
        f" '@dest.example\\r\\nSubject: Number ', seq) {source}",
        f"INSERT INTO `{RAW}`(id, data) SELECT 2 * seq, CONCAT('{BODY}', seq, '\\r\\n') {source}",
        "INSERT INTO messages(id, token, scope, rcpt_to, mail_from, subject, message_id, timestamp, domain_id,"
        " credential_id, status, held, size, last_delivery_attempt, raw_table, raw_body_id, raw_headers_id, spam,"
        " bounce, bounce_for_id, tag, received_with_ssl, hold_expiry, tracked_links, clicked)"
        f" SELECT seq, CONCAT('T', LPAD({number}, 5, '0'), LPAD(seq, 10, '0')), 'outgoing', CONCAT('r', seq,"
        f" '@dest.example'), 'hello@d{number}.example', CONCAT('Number ', seq), CONCAT(seq, '@d{number}.example'),"
        f" 1795824000 + seq MOD 86000, {number}, {number}, IF(seq MOD 100 = 0, 'Held', 'Sent'), seq MOD 100 = 0,"
        f" '2100', 1795824001 + seq MOD 86000, '{RAW}', 2 * seq, 2 * seq - 1, 0, 0, 0, 'large', 1,"
        f" IF(seq MOD 100 = 0, 1796504690, NULL), IF(seq MOD 10 = 1, 2, 0), IF(seq MOD 10 = 1, 1795900000, NULL)"
        f" {source}",
        "INSERT INTO deliveries(id, message_id, status, details, output, sent_with_ssl, log_id, timestamp, time)"
        " SELECT seq, seq, IF(seq MOD 100 = 0, 'Held', 'Sent'), CONCAT('Message for r', seq, '@dest.example accepted'),"
        f" '250 OK', 1, 'ABCDEFGH', 1795824001 + seq MOD 86000, 0.25 {source}",
        "INSERT INTO links(id, message_id, token, url, timestamp) SELECT seq, 10 * ((seq - 1) DIV 2) + 1,"
        f" CONCAT('L', LPAD({number}, 5, '0'), LPAD(seq, 10, '0')), CONCAT('https://d{number}.example/', seq),"
        " 1795824001"
        f" FROM seq_1_to_{max(2, 2 * ((messages + 9) // 10))}",
        "INSERT INTO clicks(id, message_id, link_id, ip_address, user_agent, timestamp)"
        " SELECT seq, 10 * (seq - 1) + 1, 2 * seq - 1, '192.0.2.1', 'M', 1795900000"
        f" FROM seq_1_to_{max(1, (messages + 9) // 10)}",
    ]
