"""What several tests of the command share."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from logverse.cli import dlq, dlq_replay

NOW = 1_800_000_000_000


@pytest.fixture
def command(monkeypatch):
    """Runs `logverse dlq …` on these letters; what it sends is in `sent`."""

    def run(letters, *arguments):
        @contextmanager
        def values(settings, since):
            yield iter([one if isinstance(one, bytes | None) else one.to_json() for one in letters])

        run.sent = []
        monkeypatch.setattr(dlq, "_values", values)
        monkeypatch.setattr(dlq_replay, "produce", lambda settings, records: run.sent.extend(records))
        monkeypatch.setattr(dlq.instant, "now", lambda: NOW)
        return CliRunner().invoke(dlq.dlq, arguments, obj={}, catch_exceptions=False).output

    return run
