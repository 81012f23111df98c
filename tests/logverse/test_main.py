"""The command's last words: a message for a person, never a stack trace, and nothing that steers the terminal."""

from __future__ import annotations

import pytest

from logverse.cli import main
from logverse.errors import Refused


def fails_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> int:
    """The exit code of a command whose verb raises this."""

    def verb(**_: object) -> None:
        raise error

    monkeypatch.setattr(main.logverse, "main", verb)
    with pytest.raises(SystemExit) as ended:
        main.main([])
    code = ended.value.code
    assert isinstance(code, int)
    return code


def test_a_path_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The file and what the system says of it, exit code 2."""
    code = fails_with(monkeypatch, PermissionError(13, "Permission denied", "/etc/shadow"))

    assert code == 2
    assert capsys.readouterr().err == "error: /etc/shadow: Permission denied\n"


def test_an_os_error_about_no_file_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is nobody's path, so its trace is wanted."""
    with pytest.raises(OSError, match="odd"):
        fails_with(monkeypatch, OSError("odd"))


def test_quoted_log_text_does_not_reach_the_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Escapes in a root cause are shown; our own line ends stay."""
    code = fails_with(monkeypatch, Refused("the job failed:\n  bad line \x1b[2J\r"))

    assert code == 1
    assert capsys.readouterr().err == "error: the job failed:\n  bad line \\x1b[2J\\r\n"
