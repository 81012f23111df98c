"""The rules of the house, held by walking every file's syntax tree: who may import whom, and what must stand nowhere."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from logverse.cli.main import VERBS

ROOT = Path(__file__).parent.parent
PACKAGES = ("logverse", "producers", "flink_jobs", "alerting", "storage", "dashboard", "deploy")

# Folder → what of ours its files may import. They meet on a topic, a file or a subprocess `logverse …`, never by import.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "logverse": ("logverse",),  # the command may import more, inside its functions: see LAZILY
    "producers": ("producers", "logverse"),
    "flink_jobs": ("flink_jobs", "logverse"),
    "flink_jobs/connect.py": ("flink_jobs", "logverse", "storage"),
    "alerting": ("alerting", "logverse"),
    "storage": ("storage", "logverse"),
    "dashboard": ("dashboard", "logverse", "storage.history"),
    "deploy": ("deploy", "logverse"),
}
# The command's files import these only where a verb runs, so that `--help` stays quick.
LAZILY = ("producers", "flink_jobs", "alerting", "storage", "dashboard", "deploy")
PYFLINK = tuple(f"flink_jobs/{name}.py" for name in ("graph", "operators", "connect", "detect", "history", "history_graph"))
# Who may look at the environment, and why.
ENVIRONMENT: dict[str, str] = {
    "logverse/settings.py": "settings are read here",
    "logverse/cli/config.py": "shows where each setting comes from",
    "flink_jobs/submit.py": "passes PATH and HOME on to `flink run`",
    "deploy/local/java.py": "JAVA_HOME",
    "deploy/local/process.py": "what the stack's processes inherit",
    "deploy/local/jars.py": "where the cache of jars is",
}
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base"}
LONGEST = 300


def source_files(*folders: str) -> list[str]:
    """Paths below the root with forward slashes."""
    return sorted(path.relative_to(ROOT).as_posix() for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imports(tree: ast.AST, inside: bool = False) -> Iterator[tuple[str, int, bool]]:
    """Every import: dotted name, line, and whether it runs only when a function does (or for the type checker only)."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((f"{module}.{alias.name}", node.lineno, inside) for alias in node.names)
        else:
            for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            yield from imports(node, inside or for_types or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def under(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def wrong_imports(path: str, source: str) -> list[str]:
    """Imports that the table does not allow in this file."""
    command = path.startswith("logverse/cli/")
    allowed = MAY_IMPORT.get(path, MAY_IMPORT[path.split("/")[0]])
    found = []
    for name, line, lazy in imports(ast.parse(source)):
        if name.startswith("."):
            found.append(f"{path}:{line} relative import {name}: write the whole name")
        elif under(name, ("logverse.cli",)) and not command:
            found.append(f"{path}:{line} imports {name}: the command is nobody's library")
        elif under(name, PACKAGES) and not under(name, allowed) and not (command and lazy and under(name, LAZILY)):
            found.append(f"{path}:{line} imports {name}{': only inside a function' if command else ''}")
        elif under(name, ("pyflink",)) and path not in PYFLINK:
            found.append(f"{path}:{line} imports {name}: pyflink belongs to {', '.join(PYFLINK)}")
    return found


def environment_reads(source: str) -> list[int]:
    """Lines that read the process's environment."""
    return sorted(
        node.lineno
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv", "os.environb"))
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and {alias.name for alias in node.names} & {"environ", "getenv"})
    )


def bare_sleeps(source: str) -> list[int]:
    """Lines that sleep and hope. A sleep between two looks at a condition (in a loop) is waiting, and allowed."""

    def walk(node: ast.AST, looping: bool) -> Iterator[int]:
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep", "asyncio.sleep") and not looping:
            yield node.lineno
        for child in ast.iter_child_nodes(node):
            yield from walk(child, looping or isinstance(node, ast.While | ast.For))

    return list(walk(ast.parse(source), False))


@pytest.mark.parametrize("path", source_files(*PACKAGES))
def test_file_keeps_the_rules(path: str) -> None:
    """A file imports what its folder may, leaves the environment alone, says what it is for, and is short."""
    source = (ROOT / path).read_text()
    tree = ast.parse(source)

    assert wrong_imports(path, source) == []
    assert path in ENVIRONMENT or environment_reads(source) == []
    assert ast.get_docstring(tree), f"{path} does not say what it is for"
    assert Path(path).stem not in VAGUE, f"{path}: name it after what it is"
    assert source.count("\n") <= LONGEST, f"{path} has more than {LONGEST} lines"


@pytest.mark.parametrize("path", source_files("tests", "benchmarks"))
def test_tests_keep_the_rules(path: str) -> None:
    """A test waits on a condition, and is short enough to be read."""
    source = (ROOT / path).read_text()

    assert bare_sleeps(source) == []
    assert Path(path).stem not in VAGUE
    assert source.count("\n") <= LONGEST, f"{path} has more than {LONGEST} lines"


def test_exceptions_are_used() -> None:
    """A file that is on the list of those who may read the environment does read it: no exception outlives its need."""
    present = [path for path in ENVIRONMENT if (ROOT / path).exists()]

    assert [path for path in present if not environment_reads((ROOT / path).read_text())] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("producers/files.py", "from alerting import service"),
        ("producers/files.py", "def f():\n    import flink_jobs.graph"),
        ("producers/files.py", "from . import parsers"),
        ("producers/files.py", "from logverse.cli.output import printable"),
        ("logverse/alert.py", "import producers"),
        ("logverse/alert.py", "def f():\n    import producers"),
        ("logverse/alert.py", "from logverse.cli import main"),
        ("logverse/cli/job.py", "from deploy.local import jars"),
        ("logverse/cli/job.py", "class A:\n    import deploy"),
        ("flink_jobs/graph.py", "import storage"),
        ("flink_jobs/lifecycle.py", "from pyflink.table import Table"),
        ("logverse/cli/job.py", "def f():\n    import pyflink"),
        ("dashboard/page.py", "from storage.cassandra import Store"),
        ("deploy/local/up.py", "if True:\n    from producers import publisher"),
    ],
)
def test_wrong_import_is_found(path: str, source: str) -> None:
    """The walk finds what the table forbids, also when it hides in a function, a class or a branch."""
    assert len(wrong_imports(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("producers/files.py", "from logverse.event import LogEvent\nimport producers.parsers\nimport producersomething"),
        ("logverse/cli/job.py", "def f():\n    from deploy.local import jars"),
        ("logverse/cli/job.py", "if TYPE_CHECKING:\n    from producers.sources import Source"),
        ("flink_jobs/connect.py", "import storage\nfrom pyflink.table import Table"),
        ("dashboard/page.py", "from storage.history import Query\nfrom storage import history"),
    ],
)
def test_right_import_is_left_alone(path: str, source: str) -> None:
    """What the table allows passes."""
    assert wrong_imports(path, source) == []


def test_environment_reads_are_found() -> None:
    """However the environment is read, it is seen."""
    assert environment_reads("import os\na = os.environ['X']\nb = os.getenv('X')\nfrom os import environ") == [2, 3, 4]
    assert environment_reads("def f(environ): return environ['X']") == []


def test_bare_sleeps_are_found() -> None:
    """A sleep outside a loop is seen; one between two looks is not, nor is an object's own sleep."""
    assert bare_sleeps("import time\ntime.sleep(1)\ndef f():\n    with x:\n        sleep(1)") == [2, 5]
    assert bare_sleeps("while not done():\n    time.sleep(0.1)\nclock.sleep(5)") == []


def cpu_seconds(*arguments: str) -> float:
    """User and system time of one `logverse …`, which must succeed."""
    with subprocess.Popen([sys.executable, "-m", "logverse.cli.main", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("verb", [(), *((verb,) for verb in VERBS)], ids=lambda verb: verb[0] if verb else "logverse")
def test_help_answers_at_once(verb: tuple[str, ...]) -> None:
    """`--help` takes at most 0.3 s. CPU time is the measure: the command waits for nothing, so on an idle machine that is
    what passes on the clock, and on a busy one it does not blame us for our neighbours."""
    if verb and not (ROOT / f"logverse/cli/{VERBS[verb[0]][0]}.py").exists():
        pytest.fail(f"{verb[0]} is in VERBS and logverse/cli/{VERBS[verb[0]][0]}.py is not there")

    assert median(cpu_seconds(*verb, "--help") for _ in range(3)) <= 0.3
