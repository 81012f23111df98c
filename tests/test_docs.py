"""The documentation says what the code does: a setting, verb or path without its line turns these red."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from logverse.cli.main import VERBS
from logverse.settings import Settings

ROOT = Path(__file__).parent.parent
FOLDERS = ("logverse", "producers", "flink_jobs", "alerting", "storage", "dashboard", "deploy", "benchmarks")
LOCKS = ("base", "producer", "dev", "all")


def variables(text: str) -> set[str]:
    """Names of our environment variables in a text; `LOGVERSE_` with nothing after it is how the docs say "all of them"."""
    return set(re.findall(r"\bLOGVERSE_[A-Z0-9_]*[A-Z0-9]\b", text))


def paths_in(markdown: str) -> set[str]:
    """What stands in backticks and looks like a path of this repository: has a slash or a file's ending, no spaces, no ~, $, < or *."""
    quoted = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", markdown)
    return {
        text for text in quoted if re.fullmatch(r"[\w.-]+(?:/[\w.-]*)+", text) or re.fullmatch(r"[\w-]+\.(?:py|md|toml|yaml|yml|txt)", text)
    }


def lock_problems(text: str) -> list[str]:
    """Lines of a lock that fetch from a place of their own, and requirements that no hash vouches for."""
    entries = [entry for entry in re.sub(r"\\\n", " ", text).splitlines() if entry.strip() and not entry.startswith("#")]
    return [entry for entry in entries if "://" in entry or " @ " in entry or entry.startswith("-") or "--hash=sha256:" not in entry]


@pytest.mark.parametrize("setting", [item.name for item in fields(Settings)])
def test_setting_is_documented(setting: str) -> None:
    """Every setting stands in docs/settings.md with its variable."""
    assert f"`{setting}` | `LOGVERSE_{setting.upper()}`" in (ROOT / "docs/settings.md").read_text()


def test_variables_are_documented() -> None:
    """Every LOGVERSE_ variable that any file mentions stands in docs/settings.md, and that names none which is nowhere else."""
    sources = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".sh", ".yaml", ".toml")]
    used = set().union(*(variables(path.read_text()) for path in [*sources, ROOT / "Makefile", ROOT / ".ci/run"]))
    of_settings = {f"LOGVERSE_{item.name.upper()}" for item in fields(Settings)}

    assert variables((ROOT / "docs/settings.md").read_text()) == used | of_settings


@pytest.mark.parametrize("verb", VERBS)
def test_verb_is_documented(verb: str) -> None:
    """Every verb is shown at work in docs/commands.md or the README."""
    pages = [path.read_text() for path in (ROOT / "docs/commands.md", ROOT / "README.md") if path.exists()]

    assert any(re.search(rf"logverse {verb}\b", page) for page in pages)


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md", "docs/proofs.md"])
def test_paths_exist(page: str) -> None:
    """A file or folder that the documentation names is there."""
    named = paths_in((ROOT / page).read_text())

    assert named
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_is_hashed_and_names_no_place(lock: str) -> None:
    """Every requirement has a hash, and where it is fetched from is the user's choice."""
    text = (ROOT / f"requirements/{lock}.txt").read_text()

    assert "==" in text
    assert lock_problems(text) == []


def test_checkers_can_fail() -> None:
    """What these checks look for is found in a bad sample."""
    assert paths_in("see `a/b.py`, `docs/`, `setup.py`; not `logs.http`, `~/.x/y`, `/var/log/x`, `make test` or `a/*.py`") == {
        "a/b.py", "docs/", "setup.py",
    }  # fmt: skip
    assert variables("LOGVERSE_HOME=1 LOGVERSE_… LOGVERSE_X_Y") == {"LOGVERSE_HOME", "LOGVERSE_X_Y"}
    good, bare = "a==1 \\\n    --hash=sha256:00\n", "b==2\n"
    elsewhere, index = "c @ https://example.com/c.whl --hash=sha256:00\n", "--index-url https://example.com\n"
    assert lock_problems(good + bare + elsewhere + index) == [bare.strip(), elsewhere.strip(), index.strip()]
