"""The way to Cassandra: from settings to a session on the keyspace of this topic prefix."""

from __future__ import annotations

import logging
import re
import ssl
from pathlib import Path
from types import TracebackType
from typing import Any

from cassandra import ConsistencyLevel, InvalidRequest
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import DCAwareRoundRobinPolicy, ExponentialReconnectionPolicy, TokenAwarePolicy

from logverse.errors import Refused, WrongSettings
from logverse.settings import Settings
from storage.cassandra.trouble import translating as translating

PORT = 9042
OLDEST = 5  # the first major version with storage-attached indexes
PROTOCOL = 5
CONNECT_S, REQUEST_S = 5.0, 15.0
AGAIN_S = 0.5, 5.0  # between attempts to reach a node that is away: first, longest
MIGRATE = "logverse schema migrate"


class Session:
    """Statements to one Cassandra. Every method raises TryAgain or Refused; so does a future's result inside `translating()`.

    Reads and writes are LOCAL_QUORUM. Prepared statements may be sent twice (all of ours write the same row again), so that the
    driver repeats one whose node has gone. A node that is away is tried again every few seconds, for ever.
    """

    def __init__(self, cluster: Any, driver: Any) -> None:
        self._cluster, self._driver = cluster, driver
        self._prepared: dict[str, Any] = {}

    @property
    def keyspace(self) -> str:
        return str(self._driver.keyspace or "")

    @property
    def nodes(self) -> int:
        """How many nodes there are, up or not."""
        return len(self._cluster.metadata.all_hosts())

    def prepare(self, cql: str) -> Any:
        """The prepared statement of this text, asked of Cassandra once."""
        if cql not in self._prepared:
            with translating():
                prepared = self._driver.prepare(cql)
            prepared.is_idempotent = True
            self._prepared[cql] = prepared
        return self._prepared[cql]

    def execute(self, statement: Any, values: Any = None, *, paging_state: bytes | None = None, timeout_s: float = REQUEST_S) -> Any:
        """The driver's result set. A page that it fetches later, as it is iterated over, wants `translating()` around the iteration."""
        with translating():
            return self._driver.execute(statement, values, timeout=timeout_s, paging_state=paging_state)

    def execute_async(self, statement: Any, values: Any = None, *, paging_state: bytes | None = None, timeout_s: float = REQUEST_S) -> Any:
        """The driver's ResponseFuture; its `result()` raises the driver's exceptions: call it inside `translating()`."""
        with translating():
            return self._driver.execute_async(statement, values, timeout=timeout_s, paging_state=paging_state)

    def use(self, keyspace: str) -> None:
        """Work on this keyspace from now on. WrongSettings when there is none of this name."""
        try:
            with translating():
                self._driver.set_keyspace(keyspace)
        except Refused as error:
            if not isinstance(error.__cause__, InvalidRequest):
                raise
            raise WrongSettings(f"Cassandra has no keyspace {keyspace}", remedy=MIGRATE) from error

    def close(self) -> None:
        self._cluster.shutdown()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def keyspace(settings: Settings) -> str:
    """The keyspace of this topic prefix.

    >>> keyspace(Settings()), keyspace(Settings(topic_prefix="replay-7"))
    ('logverse', 'logverse_replay_7')
    """
    name = settings.cassandra_keyspace + (f"_{re.sub('[^a-z0-9_]', '_', settings.topic_prefix.lower())}" if settings.topic_prefix else "")
    if not re.fullmatch("[a-z][a-z0-9_]{0,47}", name):
        remedy = "a-z, 0-9 and _, a letter first, 48 characters with the topic prefix"
        raise WrongSettings(f"{name!r} cannot be a keyspace", where="cassandra_keyspace", remedy=remedy)
    return name


def connect(settings: Settings) -> Session:
    """A session on the keyspace of these settings, whose schema is what this version works with.

    TryAgain while Cassandra is away, WrongSettings when the schema is missing or too old, Refused when it does not let us in.
    """
    from storage.schema.applying import must_be_migrated

    session = reach(settings)
    try:
        session.use(keyspace(settings))
        must_be_migrated(session)
    except BaseException:
        session.close()
        raise
    return session


def reach(settings: Settings) -> Session:
    """A session on no keyspace, for the schema and for those who look at the server. Errors as for `connect`."""
    logging.getLogger("cassandra").setLevel(logging.CRITICAL)  # its troubles come to us as exceptions, once, and not each few seconds
    where = hosts(settings)
    login, tls = _login(settings), _tls(settings)
    with translating(f"no Cassandra answers at {settings.cassandra_hosts}", "logverse status; or name another: cassandra_hosts"):
        cluster = Cluster(
            where,
            port=where[0][1],
            protocol_version=PROTOCOL,
            auth_provider=login,
            ssl_context=tls,
            execution_profiles={EXEC_PROFILE_DEFAULT: _profile()},
            reconnection_policy=ExponentialReconnectionPolicy(*AGAIN_S, max_attempts=None),  # its own default gives up after 64
            connect_timeout=CONNECT_S,
            control_connection_timeout=CONNECT_S,
            idle_heartbeat_interval=10,
        )
        try:
            session = Session(cluster, cluster.connect())
            _new_enough(session)
        except BaseException:
            cluster.shutdown()
            raise
        return session


def hosts(settings: Settings) -> list[tuple[str, int]]:
    """Host and port of each node that the settings name; WrongSettings when they name none."""
    if not settings.cassandra_hosts:
        raise WrongSettings(
            f"no Cassandra to talk to: no embedded stack in {settings.home_path} and no cassandra_hosts set",
            remedy="start one with `logverse up`, or name yours: cassandra_hosts: HOST:PORT in logverse.yaml",
        )
    return [_address(part.strip()) for part in settings.cassandra_hosts.split(",")]


def _address(text: str) -> tuple[str, int]:
    """
    >>> _address("db1:9142"), _address("db1"), _address("[::1]:9042")
    (('db1', 9142), ('db1', 9042), ('::1', 9042))
    """
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+)(?::(\d{1,5}))?", text)
    if not found or not 0 < int(found[2] or PORT) < 65_536:
        raise WrongSettings(f"{text[:60]!r} is no address", where="cassandra_hosts", remedy="HOST:PORT,HOST:PORT")
    return found[1].strip("[]"), int(found[2] or PORT)


def _profile() -> ExecutionProfile:
    return ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy()),  # the data centre of the node that answers first
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        serial_consistency_level=ConsistencyLevel.LOCAL_SERIAL,
        request_timeout=REQUEST_S,
    )


def _login(settings: Settings) -> PlainTextAuthProvider | None:
    if not settings.cassandra_username:
        return None
    if not settings.cassandra_password_file:
        raise WrongSettings("no password", where="cassandra_password_file", remedy="name a file that holds it")
    path = settings.cassandra_password_file
    try:
        password = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:  # the text of the second would show bytes of the file
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise WrongSettings(f"cannot be read: {why}", where=f"cassandra_password_file {path}", remedy="name a readable text file") from None
    return PlainTextAuthProvider(settings.cassandra_username, password)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if not settings.cassandra_ca_file:
        return None
    try:
        return ssl.create_default_context(cafile=settings.cassandra_ca_file)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or error
        raise WrongSettings(
            f"cannot be read: {why}", where=f"cassandra_ca_file {settings.cassandra_ca_file}", remedy="a PEM file"
        ) from error


def _new_enough(session: Session) -> None:
    version = release(session)
    if int(version.split(".")[0]) < OLDEST:
        raise Refused(f"Cassandra {version} answers\n  → {OLDEST}.0 or later is wanted, for its storage-attached indexes")


def release(session: Session) -> str:
    """The version of the node that answers, "5.0.8"."""
    return str(session.execute("SELECT release_version FROM system.local").one().release_version)
