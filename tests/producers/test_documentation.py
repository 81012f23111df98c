"""docs/producers.md says what the code does: its example is right, and no key, shape or address is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from producers import configuration, shapes
from producers.sources.addresses import SCHEMES

PAGE = (Path(__file__).parent.parent.parent / "docs/producers.md").read_text()
EXAMPLE = (re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL) or ["", ""])[1]


def test_example_is_right(tmp_path: Path) -> None:
    """The example of the page is a producers.yaml."""
    path = tmp_path / "producers.yaml"
    path.write_text(EXAMPLE.replace("masking: masking.yaml", ""))

    order = configuration.read(path, tmp_path, tmp_path / "status.json")

    assert [one.name for one in order.inputs] == ["web", "hosts", "orders", "pods"]


@pytest.mark.parametrize("key", configuration._TOP + configuration._INPUT + configuration._LIMITS + configuration._TLS)
def test_key_is_documented(key: str) -> None:
    """Every key of the file stands in the example or beside it."""
    assert f"{key}:" in EXAMPLE or f"`{key}`" in PAGE


@pytest.mark.parametrize("name", [*shapes.SHAPES, *(f"{scheme}://" for scheme in SCHEMES if scheme != "otlp+http")])
def test_shape_and_address_are_documented(name: str) -> None:
    """Every shape and kind of address is named."""
    assert name in PAGE


def test_limits_are_those_of_the_code() -> None:
    """The defaults that the page shows are in force."""
    shown = yaml.safe_load(EXAMPLE)["limits"]

    assert {name: getattr(configuration.Limits(), name) for name in ("connections", "files")} == {
        name: shown[name] for name in ("connections", "files")
    }
    assert [f"{getattr(configuration.Limits(), name) // 1024**2}MiB" for name in ("bytes_in_flight", "bytes_waiting")] == [
        shown["bytes_in_flight"], shown["bytes_waiting"],
    ]  # fmt: skip
