"""What answers in MongoDB's stead in the embedded stack: mongo-java-server, a small server of its wire protocol with its data in one file.

    python -m deploy.local.mongodb_stand_in PORT FILE JAVA JAR…

It is a stand-in, for trying things out and for tests: one node without a login, no transactions; indexes other than unique ones are
listed and not used, so that whatever is not asked for by `_id` is found by looking through the collection; what has a time to live is
never deleted. Its own `main` listens on a port that cannot be chosen, hence this process: it starts the JVM and tells it what to do
(py4j). When this process ends, however it ends, the JVM does.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

HEAP = "-Xmx256m"
# H2 writes what has changed into its file so often: that much may be missing after a kill, though it was acknowledged.
WRITTEN_EACH_MS = 100
# How long it leaves what was overwritten: whoever looks through a collection for longer meets a gap, and is told to try again.
LEFT_MS = 300_000


def main(port: int, file: Path, java: str, jars: list[str]) -> None:
    """Serve until told to stop; SIGTERM writes everything and ends it."""
    from py4j.java_gateway import GatewayParameters, JavaGateway, find_jar_path, launch_gateway  # type: ignore[import-untyped]

    options = [HEAP, "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError"]
    own, token = launch_gateway(
        classpath=":".join([find_jar_path(), *jars]), javaopts=options, java_path=java, die_on_exit=True, enable_auth=True,
        redirect_stdout=sys.stdout, redirect_stderr=sys.stderr,
    )  # fmt: skip
    gateway = JavaGateway(gateway_parameters=GatewayParameters(port=own, auth_token=token))
    stop = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    server, store = _served(gateway.jvm, port, file)
    print(f"a stand-in for MongoDB listens on 127.0.0.1:{port}, its data in {file}", flush=True)
    signal.sigwait(stop)
    server.shutdown()
    store.close()
    gateway.shutdown()


def _served(jvm: Any, port: int, file: Path) -> tuple[Any, Any]:
    file.parent.mkdir(parents=True, exist_ok=True)
    store = jvm.org.h2.mvstore.MVStore.Builder().fileName(str(file)).open()
    store.setAutoCommitDelay(WRITTEN_EACH_MS)
    store.setRetentionTime(LEFT_MS)
    server = jvm.de.bwaldvogel.mongo.MongoServer(jvm.de.bwaldvogel.mongo.backend.h2.H2Backend(store))
    server.bind("127.0.0.1", port)
    return server, store


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
