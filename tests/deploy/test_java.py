"""The Java that runs the servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local import java
from logverse.errors import WrongSettings


def installed(folder: Path, version: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    (folder / "bin" / "java").write_text("#!/bin/sh\n")
    (folder / "bin" / "java").chmod(0o755)
    return folder


def test_java_home_goes_first_and_another_version_is_passed_over(tmp_path: Path) -> None:
    """JAVA_HOME when it is a 17, else the 17 on the PATH."""
    seventeen, newer = installed(tmp_path / "17", "17.0.15"), installed(tmp_path / "21", "21.0.2")

    assert java.java_home({"JAVA_HOME": str(seventeen), "PATH": str(newer / "bin")}) == seventeen
    assert java.java_home({"JAVA_HOME": str(newer), "PATH": str(seventeen / "bin")}) == seventeen


def test_no_java_17_says_what_was_found_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the Java that was looked at."""
    newer = installed(tmp_path / "21", "21.0.2")
    monkeypatch.setattr(java.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(WrongSettings, match=r"21 is 21\.0\.2[\s\S]*pip install 'logverse\[flink\]'"):
        java.java_home({"JAVA_HOME": str(newer), "PATH": ""})
