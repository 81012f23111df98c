"""Logs stay small, and their telling line is found."""

from __future__ import annotations

from pathlib import Path

from deploy.local import logfile


def test_a_grown_log_is_emptied_and_its_writer_goes_on(tmp_path: Path) -> None:
    """What was there is in NAME.log.1; the process that holds the file open appends at the new end."""
    path = tmp_path / "kafka.log"
    with path.open("ab") as writer:
        writer.write(b"old\n" * 100)
        writer.flush()

        assert not logfile.cap(path, limit=400)
        assert logfile.cap(path, limit=399)
        writer.write(b"new\n")

    assert path.read_bytes() == b"new\n"
    assert (tmp_path / "kafka.log.1").read_bytes() == b"old\n" * 100


def test_the_telling_line_is_the_last_that_names_an_error(tmp_path: Path) -> None:
    """Not the stack frames below it, nor the farewell after it, nor an error of an earlier run."""
    path = tmp_path / "kafka.log"
    earlier = "ERROR of yesterday\n"
    path.write_text(f"{earlier}INFO starting\njava.net.BindException: Address already in use\n\tat sun.nio.Net.bind\nINFO bye\n")

    assert logfile.telling_line(path, since=len(earlier)) == "java.net.BindException: Address already in use"
    assert logfile.telling_line(path, since=path.read_text().index("INFO bye")) == "INFO bye"
    assert logfile.telling_line(tmp_path / "absent.log") == ""


def test_tail_gives_the_last_lines_whatever_their_bytes(tmp_path: Path) -> None:
    """Bytes that are no text show as such and stop nothing."""
    path = tmp_path / "x.log"
    path.write_bytes(b"one\ntwo\n\xff\n")

    assert logfile.tail(path, 2) == ["two", "�"]


def test_follow_goes_on_after_the_file_was_emptied(tmp_path: Path) -> None:
    """Only whole lines, from now on, also from the start of an emptied file."""
    path = tmp_path / "x.log"
    path.write_text("before\n")
    writes = iter(
        [lambda: path.write_text("before\nfirst\nsec"), lambda: path.write_text("before\nfirst\nsecond\n"), lambda: path.write_text("3\n")]
    )

    lines = logfile.follow(path, sleep=lambda _: next(writes)())  # type: ignore[func-returns-value]

    assert [next(lines), next(lines), next(lines)] == ["first", "second", "3"]
