"""The search for secrets finds them: otherwise the tests that it serves could not fail."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.leaks import collected_logs, leaks, told

CANARY = "CANARY-4711"


def test_it_is_found_wherever_it_is(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.log").write_text(f"said {CANARY} aloud")
    (tmp_path / "allowed").write_text(CANARY)
    pq.write_table(pa.table({"a": [CANARY] * 3}), tmp_path / "b.parquet")
    with closing(sqlite3.connect(tmp_path / "c.db")) as connection:
        connection.execute("CREATE TABLE t (a TEXT)")
        connection.execute("INSERT INTO t VALUES (?)", (CANARY,))
        connection.commit()
    found = leaks([CANARY, "OTHER"], tmp_path, ["nothing", f"x {CANARY}"], [tmp_path / "allowed"])
    assert {place.rpartition("/")[2] for place in found} >= {
        f"words: {CANARY}",
        f"a.log: {CANARY}",
        f"b.parquet (rows): {CANARY}",
        f"c.db (t): {CANARY}",
    }
    assert not any("allowed" in place for place in found)
    assert leaks(["OTHER"], tmp_path, ["nothing"]) == []


def test_what_is_behind_an_error_is_told_unless_it_is_hidden() -> None:
    hidden, shown = ValueError("outer"), ValueError("outer")
    for error in (hidden, shown):
        error.__cause__ = KeyError(CANARY)
    hidden.__cause__ = None
    assert CANARY in told(shown)
    assert CANARY not in told(hidden)
    assert told(None) == ""


def test_a_silenced_logger_is_heard_and_silenced_again() -> None:
    deaf = logging.getLogger("tests.deaf")
    alone = logging.getLogger("tests.alone")
    deaf.disabled, alone.propagate = True, False
    with collected_logs() as words:
        deaf.warning("one %s", CANARY)
        try:
            raise ValueError(CANARY)
        except ValueError:
            alone.exception("two")
    deaf.warning("three")
    assert words == [f"one {CANARY}", f"twoValueError: {CANARY}\n"]
    assert deaf.disabled
    assert alone.handlers == []
