"""How answers of the history leave: a table for people, JSON lines, CSV and Parquet for tools. Each prints page after page.

Log text is attackers' text: no form sends a control character to a terminal, and no cell of a spreadsheet becomes a formula.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

import click
import orjson

from logverse.errors import WrongSettings
from logverse.printable import printable

Row = Mapping[str, Any]


class Subject(NamedTuple):
    """How one kind of answer is shown: short for people, as columns (name → text, int, instant or bytes), and whole."""

    short: Callable[[Any], Row]
    columns: Mapping[str, str]
    flat: Callable[[Any], Row]
    whole: Callable[[Any], Row]


class Printer(Protocol):
    """Prints what it is given as it comes."""

    def show(self, found: Sequence[Any]) -> None: ...
    def close(self) -> None: ...


class Table:
    """Columns as wide as the first rows want them; the last one is cut at the terminal's edge."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._widths: list[int] = []
        self._edge = shutil.get_terminal_size().columns if sys.stdout.isatty() else 400

    def show(self, found: Sequence[Any]) -> None:
        rows = [{name: printable(value) for name, value in self._subject.short(one).items()} for one in found]
        if not rows:
            return
        lines = [list(row.values()) for row in rows]
        if not self._widths:
            names = [name.upper() for name in rows[0]]
            self._widths = [max(map(len, cells)) for cells in zip(names, *lines, strict=True)]
            lines = [names, *lines]
        click.echo("\n".join(map(self._line, lines)))

    def close(self) -> None:
        """Nothing is held back."""

    def _line(self, cells: list[str]) -> str:
        *first, last = (cell.ljust(width) for cell, width in zip(cells, self._widths, strict=True))
        line = "  ".join([*first, last.rstrip()])
        return line if len(line) <= self._edge else line[: self._edge - 1] + "…"


class JsonLines:
    """One object a line, so that millions stream."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def show(self, found: Sequence[Any]) -> None:
        if found:
            click.echo("\n".join(json_text(self._subject.whole(one)) for one in found))

    def close(self) -> None:
        """Nothing is held back."""


class Csv:
    """A header and a row each; control characters stand as escapes, and text that a spreadsheet would run has a ' before it."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._print([list(subject.columns)])

    def show(self, found: Sequence[Any]) -> None:
        self._print([[_cell(row.get(name)) for name in self._subject.columns] for row in map(self._subject.flat, found)])

    def close(self) -> None:
        """Nothing is held back."""

    def _print(self, rows: list[list[Any]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        click.echo(text.getvalue(), nl=False)


class Parquet:
    """A file on standard output, row groups as they come; text as it was."""

    def __init__(self, subject: Subject) -> None:
        pyarrow = _pyarrow()
        from pyarrow import parquet  # type: ignore[import-untyped]

        if sys.stdout.isatty():
            raise WrongSettings("Parquet is no text for a terminal", where="-o parquet", remedy="send it to a file: … -o parquet > FILE")
        kinds = {"text": pyarrow.string(), "int": pyarrow.int32(), "instant": pyarrow.timestamp("ms", tz="UTC"), "bytes": pyarrow.binary()}
        self._subject, self._pyarrow = subject, pyarrow
        self._schema = pyarrow.schema([(name, kinds[kind]) for name, kind in subject.columns.items()])
        self._file = parquet.ParquetWriter(pyarrow.PythonFile(sys.stdout.buffer, mode="w"), self._schema, compression="zstd")

    def show(self, found: Sequence[Any]) -> None:
        if found:
            rows = [{name: _writable(value) for name, value in self._subject.flat(one).items()} for one in found]
            self._file.write_table(self._pyarrow.Table.from_pylist(rows, schema=self._schema))

    def close(self) -> None:
        self._file.close()
        sys.stdout.buffer.flush()


FORMS: dict[str, Callable[[Subject], Printer]] = {"table": Table, "json": JsonLines, "csv": Csv, "parquet": Parquet}

form_option = click.option(
    "-o", "--output", type=click.Choice(list(FORMS)), default="table", show_default=True,
    help="Form of the answer; json is one object a line.",
)  # fmt: skip


def json_text(value: Any, indent: bool = False) -> str:
    """JSON whose text steers no terminal: what cannot be printed stands as \\uXXXX, which means the same."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else 0).decode()
    except (TypeError, orjson.JSONEncodeError):  # numbers beyond 64 bits, half characters: lawful JSON all the same
        text = json.dumps(value, indent=2 if indent else None)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or (indent and c == "\n") else json.dumps(c)[1:-1] for c in text)


def time_text(at: int) -> str:
    """The moment as tables show it, in UTC."""
    try:
        return f"{datetime.fromtimestamp(at // 1000, UTC).isoformat(' ')[:19]}.{at % 1000:03d}"
    except (ValueError, OverflowError):  # beyond the calendar
        return f"{at} ms"


def _cell(value: Any) -> Any:
    """A value that a spreadsheet shows and does not run (OWASP, CSV injection).

    >>> _cell("=1+1"), _cell("a\\tb"), _cell(-1), _cell(None)
    ("'=1+1", 'a\\\\tb', -1, '')
    """
    if isinstance(value, str):
        text = printable(value)
        return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")) else text
    return "" if value is None else value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _writable(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise WrongSettings("needs pyarrow", where="-o parquet", remedy="pip install pyarrow, or take -o csv") from error
    return pyarrow
