"""What every target of archives must do, wherever it is. A test class inherits it and gives the fixture `target`, which is empty."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.backup.targets.target import Exists, Missing, Target

DAY_MS = 86_400_000
NAME = "data/type=http/dt=2026-11-21/hour=07/AbC_-9.x-0-0-17.parquet"


def local(tmp_path: Path, content: bytes) -> Path:
    """A file of this machine with this content."""
    path = tmp_path / "local"
    path.write_bytes(content)
    return path


def put(target: Target, tmp_path: Path, name: str, content: bytes) -> None:
    """Both steps at once."""
    target.upload(local(tmp_path, content), f"tmp/{name}")
    target.publish(f"tmp/{name}", name)


def content(target: Target, name: str) -> bytes:
    with target.open(name) as file:
        return file.read()


class TargetContract:
    def test_what_was_published_is_read_as_it_was(self, target: Target, tmp_path: Path) -> None:
        """Every byte, under the final name only."""
        wanted = os.urandom(3_000_000)

        put(target, tmp_path, NAME, wanted)

        assert content(target, NAME) == wanted
        assert [(one.name, one.bytes) for one in target.list()] == [(NAME, 3_000_000)]
        assert abs(next(target.list()).changed - time.time() * 1000) < DAY_MS

    @pytest.mark.parametrize("size", [0, 1])
    def test_a_file_of_hardly_anything(self, target: Target, tmp_path: Path, size: int) -> None:
        """Is a file as every other."""
        put(target, tmp_path, "small", b"x" * size)

        assert content(target, "small") == b"x" * size

    def test_an_upload_begins_again(self, target: Target, tmp_path: Path) -> None:
        """What a killed run left under the temporary name is overwritten, be it longer."""
        target.upload(local(tmp_path, b"half of something longer"), "tmp/a")

        target.upload(local(tmp_path, b"whole"), "tmp/a")

        assert content(target, "tmp/a") == b"whole"

    def test_nothing_is_overwritten(self, target: Target, tmp_path: Path) -> None:
        """A final name is given once; the one who comes later is told, and both files stay as they were."""
        put(target, tmp_path, "a/b", b"first")
        target.upload(local(tmp_path, b"second"), "tmp/b")

        with pytest.raises(Exists) as refused:
            target.publish("tmp/b", "a/b")

        assert refused.value.name == "a/b"
        assert (content(target, "a/b"), content(target, "tmp/b")) == (b"first", b"second")

    def test_publishing_what_is_not_there(self, target: Target, tmp_path: Path) -> None:
        """Says that the temporary file is missing, and makes no file."""
        with pytest.raises(Missing):
            target.publish("tmp/none", "a/b")

        assert list(target.list()) == []

    def test_publishing_twice(self, target: Target, tmp_path: Path) -> None:
        """Once done, a second attempt is told that the file exists or that the temporary is gone; never that all is well."""
        put(target, tmp_path, "a", b"1")

        with pytest.raises((Exists, Missing)):
            target.publish("tmp/a", "a")

    def test_a_reader_may_seek(self, target: Target, tmp_path: Path) -> None:
        """From the start and from the end, back and forth, behind the end too: as pyarrow reads a footer first."""
        put(target, tmp_path, "a", bytes(range(256)) * 8192)

        with target.open("a") as file:
            assert file.seekable() and file.readable()
            assert (file.seek(-3, os.SEEK_END), file.read()) == (2_097_149, b"\xfd\xfe\xff")
            assert (file.seek(256), file.tell(), file.read(2)) == (256, 256, b"\x00\x01")
            assert (file.seek(2, os.SEEK_CUR), file.read(1)) == (260, b"\x04")
            assert (file.seek(3_000_000), file.read(10)) == (3_000_000, b"")

    def test_parquet_is_read_in_place(self, target: Target, tmp_path: Path) -> None:
        """One row group of a file, without the others."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"n": list(range(1000))}), tmp_path / "local", row_group_size=100)
        target.upload(tmp_path / "local", "tmp/a")
        target.publish("tmp/a", "a")

        with target.open("a") as file:
            found = pq.ParquetFile(file).read_row_group(7).column("n").to_pylist()

        assert found == list(range(700, 800))

    def test_a_missing_file_is_named(self, target: Target) -> None:
        """Opening what is not there, in a folder that is not there."""
        with pytest.raises(Missing, match="no/such-file") as refused:
            content(target, "no/such-file")

        assert refused.value.name == "no/such-file"

    def test_listing_is_by_name_and_below_a_folder(self, target: Target, tmp_path: Path) -> None:
        """In order of whole names, at any depth; a folder that begins alike, or is not there, has nothing to do with it."""
        names = ["a/b/2", "a/b/10", "a/b.x", "a/c", "ab/1", "a/b/sub/3"]
        for name in names:
            put(target, tmp_path, name, b"1")
        target.upload(local(tmp_path, b"1"), "a/b/left.tmp")

        assert [one.name for one in target.list()] == sorted([*names, "a/b/left.tmp"])
        assert [one.name for one in target.list("a/b")] == ["a/b/10", "a/b/2", "a/b/left.tmp", "a/b/sub/3"]
        assert list(target.list("z")) == []

    def test_removing(self, target: Target, tmp_path: Path) -> None:
        """The file is gone and may be published anew; a second time is no error."""
        put(target, tmp_path, "a/b", b"1")

        target.remove("a/b")
        target.remove("a/b")

        assert list(target.list()) == []
        put(target, tmp_path, "a/b", b"2")
        assert content(target, "a/b") == b"2"

    def test_several_threads(self, target: Target, tmp_path: Path) -> None:
        """Files of four threads at once do not get mixed up."""

        def one(number: int) -> bytes:
            folder = tmp_path / str(number)
            folder.mkdir()
            put(target, folder, f"many/{number}", str(number).encode() * 10_000)
            return content(target, f"many/{number}")

        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(one, range(12)))

        assert found == [str(number).encode() * 10_000 for number in range(12)]

    @pytest.mark.parametrize("name", ["", "/a", "a//b", "../a", "a/./b", "a b", "a\n", "%2e%2e/a", "a\\b", "é", "#LATEST"])
    def test_names_stay_below_the_root(self, target: Target, tmp_path: Path, name: str) -> None:
        """What would lead out of it, or means something to a server, is no name."""
        with pytest.raises(ValueError, match="no name"):
            target.upload(local(tmp_path, b"1"), name)

        assert list(target.list()) == []
