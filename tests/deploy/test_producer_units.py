"""How a producer is run for real: the unit, the example of its inputs, the image and the compose file belong together."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from logverse.cli.main import logverse
from producers import configuration
from producers.order import Limits

ROOT = Path(__file__).parent.parent.parent
UNIT = ROOT / "deploy/systemd/logverse-producer@.service"
DOCKERFILE = ROOT / "deploy/docker/producer.Dockerfile"


def settings_of(unit: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in unit.splitlines() if re.match(r"[A-Za-z]+=", line))


def test_unit_runs_what_there_is() -> None:
    """The unit calls the command as it is, never gives up, and allows more than the producer's own limits."""
    unit = settings_of(UNIT.read_text())
    arguments = unit["ExecStart"].split()
    asked = CliRunner().invoke(logverse, [*arguments[1:-1], "/nowhere/web.yaml"])

    assert "/nowhere/web.yaml" in str(asked.exception)
    assert (unit["Restart"], unit["StartLimitIntervalSec"]) == ("always", "0")
    assert "RestartPreventExitStatus" not in unit
    assert int(unit["LimitNOFILE"]) > Limits().files
    assert int(unit["MemoryMax"].removesuffix("M")) * 1024**2 > 4 * (Limits().bytes_in_flight + Limits().bytes_waiting)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """systemd finds nothing wrong with it."""
    unit = tmp_path / "logverse-producer@web.service"
    unit.write_text(UNIT.read_text().replace("/opt/logverse/bin/logverse", shutil.which("true") or ""))

    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")


def test_example_is_right(tmp_path: Path) -> None:
    """The example of a producers.yaml is one, and names the limits as they are."""
    order = configuration.read(ROOT / "deploy/systemd/producers.example.yaml", tmp_path, tmp_path / "status.json")

    assert [one.name for one in order.inputs] == ["web", "web-errors", "hosts", "apps"]
    assert order.limits == Limits()


def test_image_holds_what_it_runs() -> None:
    """What the Dockerfile copies is there, and what the producer imports of ours is copied."""
    text = DOCKERFILE.read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+)", text, re.MULTILINE)

    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {"logverse", "producers", "requirements/producer.txt"} <= set(copied)
    assert 'ENTRYPOINT ["python", "-m", "logverse.cli.main", "produce"]' in text


def test_compose_file_bounds_the_producer() -> None:
    """The service is built from our Dockerfile, is bounded, runs without privileges, publishes to loopback only, keeps its log small."""
    service = yaml.safe_load((ROOT / "deploy/docker/producer.compose.yaml").read_text())["services"]["producer"]

    assert (ROOT / service["build"]["dockerfile"]) == DOCKERFILE
    assert service["cap_drop"] == ["ALL"] and service["read_only"]
    assert service["mem_limit"] == "256m"
    assert service["logging"]["options"]["max-size"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert "producer:/var/lib/logverse" in service["volumes"]
