"""Compressed files: read in bounded steps, whatever they unfold to."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from producers.sources.streams import opened

SIZE = 64 * 1024 * 1024


@pytest.mark.parametrize(("suffix", "compress"), [(".zst", zstandard.compress), (".gz", gzip.compress)])
def test_a_repeated_letter_does_not_fill_the_memory(tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]) -> None:
    """A small file that unfolds to very much is read in pieces of a few megabytes, its beginning too."""
    path = tmp_path / f"a.log{suffix}"
    path.write_bytes(compress(b"a" * SIZE))
    tracemalloc.start()

    stream = opened(path)
    head, size = stream.head(1024), 0
    while data := stream.read():
        size += len(data)
    stream.close()

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (head, size) == (b"a" * 1024, SIZE)
    assert most < SIZE / 4
