from pathlib import Path

import pytest

from include.errors import InputError
from include.sandbox.files import read_json, write_json, write_text


def test_a_document_is_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    write_json(path, {"a": "ä"})
    write_json(path, {"a": 2})
    assert read_json(path) == {"a": 2}
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_no_file_is_none_and_no_json_an_error(tmp_path: Path) -> None:
    assert read_json(tmp_path / "a.json") is None
    write_text(tmp_path / "a.json", "{", 0o644)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o644
    with pytest.raises(InputError, match=r"a\.json"):
        read_json(tmp_path / "a.json")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(UnicodeEncodeError):
        write_json(path, {"a": "\ud800"})
    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]
