"""`python -m benchmarks [NAME…]`: run the benchmarks, all or those named, one after the other."""

from __future__ import annotations

import importlib
import sys

from benchmarks import BENCHES


def main(names: list[str]) -> None:
    """Run each; a name that is none ends in exit code 2 before anything runs."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"error: no benchmark {', '.join(unknown)}\n  → one of {', '.join(BENCHES)}", file=sys.stderr)
        sys.exit(2)
    for name in names or BENCHES:
        print(f"── {name} ──", flush=True)
        # Imported only now: what a benchmark pulls in must not be running while another one measures memory.
        importlib.import_module(BENCHES[name]).main()


if __name__ == "__main__":
    main(sys.argv[1:])
