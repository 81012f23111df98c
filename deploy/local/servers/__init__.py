"""The servers of the embedded stack. To add one: one file beside this, one line below."""

from deploy.local.server import Server
from deploy.local.servers.cassandra import CASSANDRA
from deploy.local.servers.flink import JOBMANAGER, TASKMANAGER
from deploy.local.servers.kafka import KAFKA

SERVERS: dict[str, Server] = {
    "kafka": KAFKA,
    "cassandra": CASSANDRA,
    "jobmanager": JOBMANAGER,
    "taskmanager": TASKMANAGER,
}
