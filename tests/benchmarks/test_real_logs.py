"""The list of what real logs hold, made by plain counting, and how alerts are compared with it."""

from __future__ import annotations

import ast
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.detection import plain_counting
from benchmarks.detection.plain_counting import Finding, access, auth
from benchmarks.detection.real_logs import DATA, LOGS, compare, judged
from benchmarks.detection.watching import Firing
from flink_jobs.rules.files import DEFAULTS, read_rules

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC).timestamp()


def failed(after_s: int, address: str = "203.0.113.9", user: str = "root") -> str:
    at = datetime.fromtimestamp(NOON + after_s, UTC).strftime("%b %d %H:%M:%S")
    return f"{at} host sshd[7]: Failed password for {user} from {address} port 4022 ssh2"


def asked(after_s: int, path: str, status: int, client: str = "203.0.113.9") -> str:
    at = datetime.fromtimestamp(NOON + after_s, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{client} - - [{at}] "GET {path} HTTP/1.1" {status} 153 "-" "curl/8"'


def test_five_failures_of_one_address_in_ten_minutes_are_brute_force() -> None:
    """fail2ban's figures: the fifth within ten minutes, not four, not the fifth a minute later."""
    assert [finding.kind for finding in auth([failed(n * 120, user=f"u{n}") for n in range(5)], 2026)] == ["brute-force"]
    assert not auth([failed(n * 120, user=f"u{n}") for n in range(4)], 2026)
    assert not auth([failed(n * 150 + 1, user=f"u{n}") for n in range(5)], 2026)


def test_one_name_from_many_addresses_is_guessed() -> None:
    """Five failures of one user count together, wherever they come from."""
    (found,) = auth([failed(n, f"203.0.113.{n}") for n in range(5)], 2026)

    assert found == Finding("guessed-name", "root", NOON, NOON + 4, 5)


def test_repeated_messages_count_as_often_as_they_say() -> None:
    """syslog writes a line that comes again and again only once."""
    again = failed(1, user="x").replace("Failed password", "message repeated 4 times: [ Failed password") + "]"

    assert {finding.kind: finding.most for finding in auth([failed(0, user="x"), again], 2026)} == {"brute-force": 5, "guessed-name": 5}


def test_a_burst_is_beyond_the_control_limit_of_the_logs_minutes() -> None:
    """Twelve failures in one minute of an hour with hardly any; the same each minute is none."""
    burst = [failed(n, f"203.0.113.{n}", f"u{n}") for n in range(12)]
    steady = [failed(60 * minute + n, f"203.0.113.{n}", f"u{n}") for minute in range(9) for n in range(1)]

    assert [finding.kind for finding in auth([*burst, failed(3600, "198.18.0.1", "z")], 2026)] == ["failure-burst"]
    assert not [finding for finding in auth(steady, 2026) if finding.kind == "failure-burst"]


def test_a_scan_is_many_different_paths_that_are_not_there() -> None:
    """Ten different ones of one client; the same one ten times is none, ten that exist neither."""
    assert [finding.kind for finding in access(asked(n, f"/{n}.php", 404) for n in range(10))] == ["scan"]
    assert not access(asked(n, f"/?{n}", 404) for n in range(10))
    assert not access(asked(n, f"/{n}.php", 200) for n in range(10))


def test_sixty_in_a_minute_is_hammering() -> None:
    """One a second, of one client."""
    assert [finding.kind for finding in access(asked(n, "/a", 404) for n in range(60))] == ["hammering"]
    assert not access(asked(n, "/a", 404, f"203.0.113.{n % 2}") for n in range(60))


def test_the_list_owes_nothing_to_our_code() -> None:
    """The script imports the standard library alone."""
    tree = ast.parse(Path(plain_counting.__file__).read_text())

    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in modules} <= set(sys.stdlib_module_names)


def test_alert_and_finding_must_name_the_same_one_at_the_same_time() -> None:
    """An alert about another address, or an hour later, is not on the list; a burst names nobody."""
    finding, burst = Finding("brute-force", "203.0.113.9", NOON, NOON + 60, 6), Finding("failure-burst", "", NOON, NOON + 60, 20)

    def alert(after_s: int, address: str) -> Firing:
        at = int((NOON + after_s) * 1000)
        return Firing("login-failures-address", {"client.address": address}, "warning", at, at, at + 1000, "")

    right, other, later = alert(30, "203.0.113.9"), alert(30, "198.18.0.1"), alert(3600, "203.0.113.9")
    compared = compare("sshd", [finding, burst], [right, other, later])

    assert compared.findings == [(finding, 1), (burst, 2)]
    assert compared.alerts == [(right, 2), (other, 1), (later, 0)]


def test_real_brute_force_is_found(tmp_path: Path) -> None:
    """In the first hours of the real sshd log every address that sshd cut off or that the list names is told, and hardly anybody else."""
    import zstandard

    if not (DATA / LOGS["sshd"][1]).exists():
        pytest.skip("../shared/data is not there")
    with (DATA / LOGS["sshd"][1]).open("rb") as packed:
        lines = zstandard.ZstdDecompressor().stream_reader(packed).read().splitlines()[:2_000]
    log = tmp_path / "auth.log"
    log.write_bytes(b"\n".join(lines) + b"\n")

    firings, year = judged("sshd", log, read_rules(DEFAULTS))
    compared = compare("sshd", auth(log.read_text().splitlines(), year), firings)

    named = [count > 0 for finding, count in compared.findings if finding.kind in ("brute-force", "cut-off")]
    assert len(named) > 20 and all(named)
    assert sum(count > 0 for _, count in compared.alerts) > 0.9 * len(compared.alerts)
