"""Entry of a replay's job: the detect job in this process, with a cluster of its own, that lives no longer than who started it.

`python -m flink_jobs.replay.job --settings FILE`; standard input stays open as long as the result is wanted. The process leads a group
of its own, in which its JVM and Python workers are: all of them end together.
"""

from __future__ import annotations

import os
import signal
import threading


def main() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from flink_jobs import detect

    detect.main()


def _end_with_parent() -> None:
    while os.read(0, 1024):  # not sys.stdin: a thread that waits there when the interpreter ends makes it abort
        pass
    os.killpg(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
