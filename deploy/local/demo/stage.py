"""Where a demo takes place: a home of its own, the verbs it runs there, and an end that leaves no process behind."""

from __future__ import annotations

import fcntl
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click
import psutil  # type: ignore[import-untyped]

from deploy.local import logfile, process, server, state
from deploy.local.demo.screen import Screen
from deploy.local.home import Home
from logverse import settings
from logverse.errors import Refused, WrongSettings
from logverse.printable import printable
from logverse.settings import Settings

USUAL_HOME = "~/.logverse-demo"  # never ~/.logverse: a demo begins anew each time
MARKER = "demo.lock"  # a home that has it is a demo's; whoever holds its lock is the demo that runs there
FOLDER = "demo"  # of the home: the log files that the demo writes
_END_S = 10.0


def home_of_the_demo() -> Home:
    """Where it takes place: LOGVERSE_HOME, else a home of the demo's own. WrongSettings when a stack of the user's lives there."""
    found = settings.load()
    path = found.home_path if found.home != Settings().home else Path(USUAL_HOME).expanduser()
    if path.is_dir() and any(path.iterdir()) and not (path / MARKER).exists():
        raise WrongSettings(
            "not a demo's home: a demo begins anew each time, and what is there would be lost",
            where=f"LOGVERSE_HOME {path}",
            remedy=f"name an empty or new folder, or unset LOGVERSE_HOME: then it is {USUAL_HOME}",
        )
    return Home(path)


@dataclass(frozen=True, slots=True)
class Started:
    """A verb that runs beside us."""

    name: str
    verb: str
    process: subprocess.Popen[bytes]


class Stage:
    """A home held by one demo at a time."""

    def __init__(self, home: Home, screen: Screen) -> None:
        self.home, self._screen = home, screen
        self._running: list[Started] = []

    @property
    def folder(self) -> Path:
        return self.home / FOLDER

    @property
    def settings(self) -> Settings:
        """The embedded stack of this home, whatever the user's environment names."""
        return settings.load({"home": str(self.home.path)}, {})

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have the home for this demo alone, begin anew there, and stop everything at the end. WrongSettings while another one runs."""
        self.home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.home / MARKER).open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                remedy = "end it (Ctrl-C there), or have this one elsewhere: LOGVERSE_HOME=DIR make demo"
                raise WrongSettings("a demo runs here already", where=str(self.home.path), remedy=remedy) from None
            try:
                self._clear()
                yield
            finally:
                self._close()

    def verb(self, *arguments: str) -> str:
        """Run a verb to its end and return what it printed; its progress is seen at once. Refused when it fails."""
        self._show(*arguments)
        done = subprocess.run(self._command(*arguments), stdout=subprocess.PIPE, env=process.users_environment(), text=True)
        if done.returncode:
            raise Refused(f"logverse {printable(' '.join(arguments[:2]))} ended with {done.returncode}; what it said stands above")
        return done.stdout

    def answer(self, *arguments: str) -> str:
        """What a verb prints, once it has run to its end; nothing when it fails."""
        command, environment = self._command(*arguments), process.users_environment()
        done = subprocess.run(command, capture_output=True, env=environment, text=True, start_new_session=True)
        return "" if done.returncode else done.stdout

    def start(self, name: str, *arguments: str) -> Started:
        """Start a verb beside us; what it says goes to logs/NAME.log. It wears the stack's mark, so that `down` would find it too."""
        self._show(*arguments)
        environment = process.users_environment() | {process.MARK: process.mark(self.home, name)}
        with self.home.log(name).open("wb") as out:
            child = subprocess.Popen(
                self._command(*arguments), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment,
                start_new_session=True,  # Ctrl-C of the terminal is ours to answer
            )  # fmt: skip
        self._running.append(Started(name, printable(" ".join(arguments[:2])), child))
        return self._running[-1]

    def done(self, child: Started) -> bool:
        """Has it ended well? Refused with what it said when it has not."""
        code = child.process.poll()
        if code:
            raise Refused(f"logverse {child.verb} ended with exit code {code}:\n{self.said(child.name)}")
        return code == 0

    def said(self, name: str, lines: int = 6) -> str:
        """The last lines of what this process has said."""
        return "\n".join(printable(line) for line in logfile.tail(self.home.log(name), lines))

    def must_stand(self) -> None:
        """Refused when the stack was stopped by somebody else."""
        if state.supervisor_pid(self.home) is None:
            raise Refused(f"the stack in {self.home.path} was stopped from outside")

    def must_run(self, service: str) -> None:
        """WrongSettings when this service of ours cannot do what it was told; one that died otherwise is started again."""
        found = state.read(self.home).process(service)
        if found and "exit code 2" in found.why:
            problem = next((line for line in self.said(service).splitlines() if line.startswith("error: ")), found.why)
            raise WrongSettings(problem.removeprefix("error: "), remedy="it reads access logs of nginx and Apache, and JSON lines")

    def pasted(self, *arguments: str) -> str:
        """A command on this home as the user can paste it."""
        beside = Path(sys.executable).with_name("logverse")
        found = shutil.which("logverse")
        program = "logverse" if found and Path(found).resolve() == beside.resolve() else _short(beside)
        return shlex.join([program, "--home", str(self.home.path), *arguments])

    def _command(self, *arguments: str) -> list[str]:
        return [*server.logverse(self.home), *arguments]

    def _show(self, *arguments: str) -> None:
        self._screen.say(click.style(f"$ logverse {printable(shlex.join(arguments))}", dim=True))

    def _clear(self) -> None:
        """Nothing of an earlier demo, also of one that was killed, is left: neither processes nor data. Configuration stays."""
        if (self.home / "run").is_dir():
            self._screen.say("clearing away what the last demo left")
            self._quietly("down", "--wipe", "--yes")
        for name in (FOLDER, "producers"):
            shutil.rmtree(self.home / name, ignore_errors=True)
        self.home.make()

    def _close(self) -> None:
        """What we started, then the stack. Ctrl-C again does not cut this short."""
        before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        self._screen.say("", "stopping; a moment")
        running = [one.process for one in self._running if one.process.poll() is None]  # an ended one's number may be a stranger's by now
        process.end(_with_children(running), _END_S)
        for child in running:
            child.wait()
        if self._quietly("down"):
            self._screen.say(
                "stopped; no process is left. What was seen stays until the next demo:",
                f"  to look again  {self.pasted('up')}",
                f"  to delete it   {self.pasted('down', '--wipe')}",
            )
        for number, handler in before.items():
            signal.signal(number, handler)

    def _quietly(self, *arguments: str) -> bool:
        done = subprocess.run(
            self._command(*arguments), capture_output=True, env=process.users_environment(), text=True, start_new_session=True
        )
        if done.returncode:
            self._screen.say(*(printable(line) for line in done.stderr.splitlines()))
        return not done.returncode


def _with_children(started: list[subprocess.Popen[bytes]]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for child in started:
        with suppress(psutil.NoSuchProcess):
            one = psutil.Process(child.pid)
            found += [one, *one.children(recursive=True)]
    return found


def _short(path: Path) -> str:
    """The path as seen from here, when it lies below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
