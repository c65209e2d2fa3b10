import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from include.domain.quote import Quote
from include.errors import InputError
from include.storage.artifacts import (
    exists,
    local_path,
    read_bytes,
    read_json,
    read_table,
    root_uri,
    sha256,
    to_json,
    write_bytes,
    write_json,
    write_table,
)


def test_the_one_json_form() -> None:
    document = {"b": Decimal("1.50"), "a": date(2025, 9, 18), "t": datetime(2025, 9, 18, tzinfo=UTC), "n": "Malmö"}
    assert to_json(document) == (
        b'{\n "b": "1.50",\n "a": "2025-09-18",\n "t": "2025-09-18T00:00:00+00:00",\n "n": "Malm\xc3\xb6"\n}\n'
    )


def test_domain_values_are_written_as_json() -> None:
    quote = Quote(native_id="1", currency="USD", last=Decimal("2.5"), time=datetime(2025, 9, 18, tzinfo=UTC))
    assert b'"last": "2.5"' in to_json(quote)


def test_what_does_not_belong_into_an_artifact() -> None:
    with pytest.raises(TypeError, match="^set does not belong into an artifact$"):
        to_json({"x": {1}})
    with pytest.raises(ValueError, match="Out of range float values"):
        to_json(float("nan"))


def test_sha256() -> None:
    assert sha256(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("form", ["uri", "path"])
def test_local_files_with_spaces(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "my data"
    uri = f"{root_uri(folder)}/x/y.json" if form == "uri" else str(folder / "x" / "y.json")
    assert not exists(uri)
    assert write_json(uri, {"a": 1}) == uri
    assert exists(uri)
    assert read_json(uri) == {"a": 1}
    assert (folder / "x" / "y.json").read_text() == '{\n "a": 1\n}\n'
    assert [path.name for path in (folder / "x").iterdir()] == ["y.json"]
    assert (folder / "x" / "y.json").stat().st_mode & 0o777 == 0o644


def test_object_stores() -> None:
    uri = "memory://artifacts/a/b.json"
    assert not exists(uri)
    write_json(uri, [1])
    assert exists(uri)
    assert read_json(uri) == [1]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = write_bytes(str(tmp_path / "x"), b"old")

    def full(_source: object, _target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError) as caught:
        write_bytes(uri, b"new")
    assert str(caught.value) == f"{uri}: expected a place that can be written: No space left on device"
    assert read_bytes(uri) == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    uri = (tmp_path / "file" / "run.json").as_uri()
    with pytest.raises(InputError) as caught:
        write_bytes(uri, b"x")
    assert str(caught.value).startswith(f"{uri}: expected a place that can be written: ")


@pytest.mark.parametrize("use", [exists, read_bytes, lambda uri: write_bytes(uri, b"x")])
def test_a_scheme_that_nobody_knows(use: Callable[[str], object]) -> None:
    with pytest.raises(InputError, match=r"^foo://x/y: expected a path, or a URI that fsspec can open: "):
        use("foo://x/y")


def test_tables(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    assert read_table(write_table(str(tmp_path / "t.parquet"), table)).equals(table)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError) as missing:
        read_bytes(str(tmp_path / "none"))
    assert str(missing.value) == f"{tmp_path}/none: expected a readable file: FileNotFoundError"
    with pytest.raises(InputError, match="expected a readable file: IsADirectoryError$"):
        read_bytes(str(tmp_path))
    (tmp_path / "x").write_text("{")
    with pytest.raises(InputError, match="^.*/x: expected JSON: Expecting property name"):
        read_json(str(tmp_path / "x"))
    with pytest.raises(InputError, match="^.*/x: expected a parquet file: "):
        read_table(str(tmp_path / "x"))


@pytest.mark.parametrize(
    ("uri", "path"),
    [("file:///a%20b/c", Path("/a b/c")), ("/a%20b", Path("/a%20b")), ("rel/x", Path("rel/x")), ("s3://bucket/x", None)],
)
def test_local_path(uri: str, path: Path | None) -> None:
    assert local_path(uri) == path
