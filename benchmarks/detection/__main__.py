"""`python -m benchmarks.detection [PART [OPTION…]]`: all parts one after the other, or one of them with its options."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from benchmarks.detection import PARTS


def main(given: Sequence[str]) -> None:
    """Run; a name that is none ends in exit code 2 before anything runs."""
    if given and given[0] not in PARTS:
        about = (__doc__ or "").strip()
        print(f"{about}\nerror: no part {given[0]}\n  → one of {', '.join(PARTS)}", file=sys.stderr)
        sys.exit(2)
    for name in given[:1] or PARTS:
        print(f"── {name} ──", flush=True)
        importlib.import_module(PARTS[name]).main(given[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
