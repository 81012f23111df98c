"""Run by `pattern_speed` in an environment that has drain3: lines and settings come in as JSON, lines per CPU second go out."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence

from drain3 import TemplateMiner
from drain3.drain import Drain
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig


def main() -> None:
    given = json.load(sys.stdin)
    drain = Drain(depth=given["depth"], sim_th=given["similarity"], max_children=given["children"])
    config = TemplateMinerConfig()
    config.drain_depth, config.drain_sim_th, config.drain_max_children = given["depth"], given["similarity"], given["children"]
    config.masking_instructions = [MaskingInstruction(pattern, "*") for pattern, _ in given["masks"]]
    miner = TemplateMiner(None, config)
    rates = {
        "drain3's Drain, masked lines": rate(drain.add_log_message, given["bodies"]),
        "drain3's miner with our masks": rate(miner.add_log_message, given["lines"]),
    }
    json.dump(rates, sys.stdout)


def rate(act: Callable[[str], object], lines: Sequence[str]) -> float:
    began = time.process_time()
    for line in lines:
        act(line)
    return len(lines) / (time.process_time() - began)


if __name__ == "__main__":
    main()
