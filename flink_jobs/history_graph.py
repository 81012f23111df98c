"""The history job's pipeline: raw records in, dead letters out; in between one function that keeps what is to be kept. It knows no
broker and no store.

The function sees thousands of records at once (an Arrow batch), so that a store is written to in batches. What is large goes by another
door, one by one: a batch of thousands of stack traces would not fit into the memory of a TaskManager.

Summaries have a plan of their own (`build_series`), with smaller batches and one door: a minute is rolled up by whoever has its parts, and
two who write the same minute would each leave out what the other one knows. A service's summaries share a partition, hence a subtask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import DataTypes, StreamTableEnvironment, Table
from pyflink.table.udf import FunctionContext, ScalarFunction, udf

from flink_jobs.history_settings import HistorySettings
from flink_jobs.keeper import Keeper, Record
from logverse.instant import Millis

# Of table `raw`, in the order in which the function takes them; `appended` is Kafka's time of the record in milliseconds UTC.
COLUMNS = "`topic`, `partition`, `offset`, `appended`, `value`"


def configure(env: StreamExecutionEnvironment, t_env: StreamTableEnvironment, settings: HistorySettings) -> None:
    """What the graph needs of Flink to be right, wherever it runs."""
    env.set_parallelism(settings.parallelism)
    env.set_max_parallelism(settings.max_parallelism)
    _set(t_env, {"table.exec.uid.generation": "ALWAYS", "table.local-time-zone": "UTC"})


def batches(rows: int, wait_ms: Millis) -> dict[str, str]:
    """How many records go to Python at once, and how long they may be waited for."""
    return {
        "python.fn-execution.arrow.batch.size": str(rows),
        "python.fn-execution.bundle.size": str(rows),
        "python.fn-execution.bundle.time": str(wait_ms),
    }


def _set(t_env: StreamTableEnvironment, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        t_env.get_config().set(name, value)


def build_series(t_env: StreamTableEnvironment, keeper: Callable[[], Keeper], settings: HistorySettings) -> Table:
    """The dead letters of table `raw_summaries`. What is built here must be planned before `build` is called: both set up Flink."""
    _set(t_env, {"table.exec.uid.format": "series_<id>_<transformation>", **batches(settings.batch_summaries, settings.batch_ms)})
    _keep(t_env, keeper)
    kept = f"SELECT `keep`({COLUMNS}) AS `letter` FROM `raw_summaries`"  # noqa: S608
    t_env.create_temporary_view("kept_summaries", t_env.sql_query(kept))
    return t_env.sql_query("SELECT `letter` FROM `kept_summaries` WHERE `letter` IS NOT NULL")


def _keep(t_env: StreamTableEnvironment, keeper: Callable[[], Keeper]) -> None:
    many = udf(KeepMany(keeper), result_type=DataTypes.STRING(), func_type="pandas", deterministic=False)
    t_env.drop_temporary_function("keep")
    t_env.create_temporary_function("keep", many)


def build(t_env: StreamTableEnvironment, keeper: Callable[[], Keeper], settings: HistorySettings) -> Table:
    """The dead letters (one column, JSON) of table `raw`; everything else has been kept when a row has passed."""
    _set(t_env, {"table.exec.uid.format": "history_<id>_<transformation>", **batches(settings.batch_rows, settings.batch_ms)})
    _keep(t_env, keeper)
    t_env.create_temporary_function("keep_large", udf(KeepOne(keeper), result_type=DataTypes.STRING(), deterministic=False))
    large = f"`value` IS NOT NULL AND CHAR_LENGTH(DECODE(`value`, 'ISO-8859-1')) > {int(settings.large_characters)}"
    kept = f"""SELECT `keep`({COLUMNS}) AS `letter` FROM `raw` WHERE NOT ({large})
      UNION ALL SELECT `keep_large`({COLUMNS}) AS `letter` FROM `raw` WHERE {large}"""  # noqa: S608
    t_env.create_temporary_view("kept", t_env.sql_query(kept))
    return t_env.sql_query("SELECT `letter` FROM `kept` WHERE `letter` IS NOT NULL")


class _Keeping(ScalarFunction):
    """Opens the keeper where the records are. Its counts are metrics of the operator."""

    def __init__(self, keeper: Callable[[], Keeper]) -> None:
        self._make = keeper

    def is_deterministic(self) -> bool:
        return False

    def open(self, function_context: FunctionContext) -> None:
        self._keeper = self._make()

    def _letters(self, records: list[Record]) -> list[str | None]:
        return [letter and letter.to_json().decode() for letter in self._keeper.keep(records)]


class KeepMany(_Keeping):
    """Takes columns (pandas Series), gives a column."""

    def eval(self, topics, partitions, offsets, appended, values):
        import pandas

        records = list(map(Record._make, zip(*(_plain(column) for column in (topics, partitions, offsets, appended, values)), strict=True)))
        return pandas.Series(self._letters(records), dtype=object)


class KeepOne(_Keeping):
    """Takes one record."""

    def eval(self, topic, partition, offset, appended, value):
        return self._letters([Record(topic, partition, offset, appended, bytes(value))])[0]


def _plain(column) -> Iterable:
    """Python's own values: a number of numpy's is dear to work with."""
    return column.tolist()
