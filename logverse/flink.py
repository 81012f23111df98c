"""What we ask Flink's JobManager, by its REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.printable import printable
from logverse.settings import Settings

if TYPE_CHECKING:
    import requests


class JobManager:
    """A JobManager at `address` (HOST:PORT). Every call raises TryAgain when it is away, Refused when it says no."""

    def __init__(self, address: str, timeout_s: float = 5.0) -> None:
        import requests  # here: it would make up most of what `logverse job --help` takes

        self.address, self._url, self._timeout_s = address, f"http://{address}", timeout_s
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment has no business between us and the cluster

    @classmethod
    def of(cls, settings: Settings) -> JobManager:
        if not settings.jobmanager:
            raise WrongSettings(
                f"no Flink cluster: no embedded stack in {settings.home_path} and none named",
                remedy="start one with `logverse up`, or name yours: --jobmanager HOST:PORT",
            )
        return cls(settings.jobmanager)

    def overview(self) -> dict[str, Any]:
        """Slots, TaskManagers, jobs by state, Flink's version."""
        return self._ask("GET", "/overview")

    def taskmanagers(self) -> list[dict[str, Any]]:
        return self._listed("/taskmanagers", "taskmanagers")

    def jobs(self) -> list[dict[str, Any]]:
        """One row a job: jid, name, state, start-time, end-time (ms), tasks."""
        return self._listed("/jobs/overview", "jobs")

    def job(self, job_id: str) -> dict[str, Any]:
        return self._ask("GET", f"/jobs/{job_id}")

    def checkpoints(self, job_id: str) -> dict[str, Any]:
        """Counts, latest completed and failed checkpoint of a job."""
        return self._ask("GET", f"/jobs/{job_id}/checkpoints")

    def exceptions(self, job_id: str) -> dict[str, Any]:
        return self._ask("GET", f"/jobs/{job_id}/exceptions?maxExceptions=3")

    def stop_with_savepoint(self, job_id: str, folder: str | None, drain: bool = False) -> str:
        """Ask for it; the answer is the request's id for `savepoint_outcome`."""
        return str(self._ask("POST", f"/jobs/{job_id}/stop", {"targetDirectory": folder, "drain": drain})["request-id"])

    def savepoint(self, job_id: str, folder: str | None) -> str:
        """Ask for one without stopping; the answer is the request's id for `savepoint_outcome`."""
        body = {"target-directory": folder, "cancel-job": False}
        return str(self._ask("POST", f"/jobs/{job_id}/savepoints", body)["request-id"])

    def savepoint_outcome(self, job_id: str, request_id: str) -> str | None:
        """Where the savepoint lies, None while it is being written; Refused when it failed."""
        answer = self._ask("GET", f"/jobs/{job_id}/savepoints/{request_id}")
        if answer["status"]["id"] != "COMPLETED":
            return None
        if "failure-cause" in answer["operation"]:
            raise Refused(f"savepoint failed: {root_cause(answer['operation']['failure-cause'].get('stack-trace', ''))}")
        return str(answer["operation"]["location"])

    def cancel(self, job_id: str) -> None:
        self._ask("PATCH", f"/jobs/{job_id}?mode=cancel")

    def _listed(self, path: str, field: str) -> list[dict[str, Any]]:
        found = self._ask("GET", path).get(field)
        if not isinstance(found, list):
            raise Refused(self._no_flink())
        return found

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        import requests

        try:
            answer = self._session.request(method, self._url + path, json=body, timeout=self._timeout_s)
        except requests.RequestException as error:
            raise TryAgain(f"no JobManager answers at {self.address}: {type(error).__name__}") from error
        if answer.status_code >= 400:
            raise Refused(f"the JobManager at {self.address} refused {method} {path}: {_reason(answer)}")
        try:
            content = answer.json() if answer.content else {}
        except ValueError as error:
            raise Refused(self._no_flink()) from error
        if not isinstance(content, dict):
            raise Refused(self._no_flink())
        return content

    def _no_flink(self) -> str:
        return f"something answers at {self.address} but it is no Flink JobManager\n  → --jobmanager HOST:PORT, of Flink's REST API"


# What Python says of an error on the Java side, and Java of a Python that ended with one: neither is the cause.
_CARRIER = "py4j.protocol.Py4JJavaError"
_AFTERMATH = "Python process exits with code: 1"


def root_cause(stack_trace: str) -> str:
    """The one line of a Java stack trace that says what went wrong first: the last cause, Python's own error before it.

    It may quote a record, so it is made printable: it goes into messages and tables.

    >>> root_cause("a.B: outer\\n\\tat c\\nCaused by: x.Y: inner\\n\\tat d")
    'x.Y: inner'
    """
    lines = [line.strip() for line in stack_trace.splitlines() if line.strip()]
    if not lines:
        return "no cause given"
    python = [place for place, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")]
    if python:
        rest = lines[python[-1] + 1 :]
        errors = [line for line in rest if not line.startswith(("File ", "at ", "^")) and ": " in line and " " not in line.split(":")[0]]
        if errors and not errors[0].startswith(_CARRIER):
            return printable(errors[0])
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ") and not line.endswith(_AFTERMATH)]
    return printable(causes[-1] if causes else lines[0])


def _reason(answer: requests.Response) -> str:
    try:
        return root_cause("\n".join(answer.json().get("errors", [])[-1:]))
    except ValueError:
        return f"status {answer.status_code}"
