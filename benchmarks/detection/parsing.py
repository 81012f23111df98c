"""How well lines are grouped into templates: `python -m benchmarks.detection.parsing`, on the labelled samples of Loghub.

Grouping accuracy after Zhu et al., Tools and Benchmarks for Automated Log Parsing (ICSE-SEIP 2019): the share of lines whose cluster
holds exactly the lines of one true template. Lines go the product's way, in their order: masked, then through `Patterns`, one setting
for all. Beside it what that paper published of Drain, with regular expressions and thresholds of its own for each of the logs.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path

from flink_jobs.patterns.masks import masked
from flink_jobs.patterns.patterns import Patterns
from flink_jobs.patterns.telling import MINUTE

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "loghub_2k"
PUBLISHED = {"HDFS": 0.9975, "Apache": 1.0, "OpenSSH": 0.7875, "Zookeeper": 0.9665}


def main(_: Sequence[str] = ()) -> None:
    """Prints the table; says so when the samples are not there. It takes no arguments."""
    if not DATA.exists():
        print(f"no samples: {DATA.parent.name}/{DATA.name} is not beside the repository")
        return
    print(f"{'log':10} {'ours':>7} {'Drain':>7}  templates (true)")
    for log, published in PUBLISHED.items():
        found, true = zip(*clusters(log), strict=True)
        accuracy = grouping_accuracy(found, true)
        verdict = "" if accuracy >= published else "  BELOW"
        print(f"{log:10} {accuracy:7.4f} {published:7.4f}  {len(set(found))} ({len(set(true))}){verdict}")


def clusters(log: str) -> Iterator[tuple[str, str]]:
    """For each line of a log the template that we say and the true one. Ours once all is read: templates merge on the way."""
    patterns, said, into = Patterns(log), list[tuple[str, str]](), dict[str, str]()
    with (DATA / log / f"{log}_2k.log_structured.csv").open(newline="", encoding="utf-8") as file:
        for place, row in enumerate(csv.DictReader(file)):
            at = MINUTE * (place + 1)
            said.append((patterns.see(masked(row["Content"]), at, 1, 9).template_id, row["EventId"]))
            into |= {template.id: template.merged_into for template in patterns.changes(at) if template.merged_into}
    return ((_last(found, into), true) for found, true in said)


def _last(template: str, into: Mapping[str, str]) -> str:
    while template in into:
        template = into[template]
    return template


def grouping_accuracy(found: Sequence[Hashable], true: Sequence[Hashable]) -> float:
    """The share of lines whose cluster is exactly that of their true template.

    >>> grouping_accuracy(["a", "a", "b", "c"], ["1", "1", "2", "2"])
    0.5
    """
    lines_found, lines_true = _lines(found), _lines(true)
    right = sum(len(lines) for lines in lines_found.values() if lines_true[true[lines[0]]] == lines)
    return right / len(found)


def _lines(names: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    lines: dict[Hashable, list[int]] = {}
    for place, name in enumerate(names):
        lines.setdefault(name, []).append(place)
    return lines


if __name__ == "__main__":
    main(sys.argv[1:])
