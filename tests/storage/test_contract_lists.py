from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.domain.contract import CONTRACT_SCHEMA
from include.errors import BrokerUnavailable
from include.storage.artifacts import read_table
from include.storage.contract_lists import ContractLists, copy_contracts, read_metadata, write_contracts
from tests.mapping.build import contract, table

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


def batches(*numbers: int) -> list[pa.RecordBatch]:
    return [batch for number in numbers for batch in table(contract(str(number), f"S{number}")).to_batches()]


def test_batches_become_one_file_with_metadata(tmp_path: Path) -> None:
    uri = f"{tmp_path.as_uri()}/deep/list.parquet"
    assert write_contracts(uri, iter(batches(1, 2, 3)), {"fetched_at": "noon"}) == 3
    read = read_table(uri)
    assert read["native_id"].to_pylist() == ["1", "2", "3"]
    assert read.schema.equals(CONTRACT_SCHEMA)
    assert read_metadata(uri) == {"fetched_at": "noon"}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["list.parquet"]


def test_large_lists_are_written_as_they_come(tmp_path: Path) -> None:
    rows = table(contract("1", "AAPL")).to_batches()[0]
    many = pa.Table.from_batches([rows] * 10_000).combine_chunks().to_batches()[0]
    uri = f"{tmp_path.as_uri()}/list.parquet"
    assert write_contracts(uri, iter([many] * 5), {}) == 50_000
    with pq.ParquetFile(tmp_path / "list.parquet") as file:
        assert file.metadata.num_rows == 50_000
        assert file.metadata.num_row_groups == 3


def test_nothing_appears_when_the_broker_breaks_off(tmp_path: Path) -> None:
    def broken() -> object:
        yield from batches(1, 2)
        raise BrokerUnavailable("connection lost")

    uri = f"{tmp_path.as_uri()}/list.parquet"
    write_contracts(uri, iter(batches(9)), {})
    with pytest.raises(BrokerUnavailable, match="connection lost"):
        write_contracts(uri, broken(), {})  # type: ignore[arg-type]
    assert read_table(uri)["native_id"].to_pylist() == ["9"]
    assert len(list(tmp_path.iterdir())) == 1


def test_no_rows_are_no_file_unless_they_are_an_answer(tmp_path: Path) -> None:
    uri = f"{tmp_path.as_uri()}/list.parquet"
    assert write_contracts(uri, iter([]), {}) == 0
    assert read_metadata(uri) is None
    assert write_contracts(uri, iter([]), {"question": "x"}, allow_empty=True) == 0
    assert read_table(uri).num_rows == 0


@pytest.mark.parametrize(
    "garbage",
    [
        pa.RecordBatch.from_pylist([{"error": "try later"}]),
        pa.RecordBatch.from_pylist([{**contract("1", "A").model_dump(mode="json"), "tradable": "perhaps"}]),
    ],
)
def test_other_columns_are_garbage(tmp_path: Path, garbage: pa.RecordBatch) -> None:
    with pytest.raises(BrokerUnavailable, match="other columns"):
        write_contracts(f"{tmp_path.as_uri()}/list.parquet", iter([garbage]), {})
    assert list(tmp_path.iterdir()) == []


def test_the_newest_within_the_age(tmp_path: Path) -> None:
    lists = ContractLists(tmp_path.as_uri())
    assert lists.newest("alpaca", NOON, DAY) is None
    for hours in (50, 24, 3, -1):
        write_contracts(lists.uri("alpaca", NOON - timedelta(hours=hours)), iter(batches(hours + 1)), {})
    (tmp_path / "contracts" / "alpaca" / "notes.txt").write_text("not a list")
    assert lists.newest("alpaca", NOON, DAY) == lists.uri("alpaca", NOON - timedelta(hours=3))
    assert lists.newest("alpaca", NOON - timedelta(hours=4), DAY) == lists.uri("alpaca", NOON - timedelta(hours=24))
    assert lists.newest("alpaca", NOON - timedelta(hours=25, minutes=1), DAY) is None  # 25 h back only knows of the one before it
    assert lists.newest("ibkr", NOON, DAY) is None


def test_copy_is_byte_for_byte(tmp_path: Path) -> None:
    source, target = f"{tmp_path.as_uri()}/a.parquet", f"{tmp_path.as_uri()}/run/b.parquet"
    write_contracts(source, iter(batches(1)), {"question": "everything"})
    copy_contracts(source, target)
    assert (tmp_path / "run" / "b.parquet").read_bytes() == (tmp_path / "a.parquet").read_bytes()


def test_object_stores(tmp_path: Path) -> None:
    uri = "memory://lists/contracts/alpaca/list.parquet"
    assert write_contracts(uri, iter(batches(1)), {"question": "everything"}) == 1
    assert read_metadata(uri) == {"question": "everything"}
    local = f"{tmp_path.as_uri()}/copy.parquet"
    copy_contracts(uri, local)
    assert read_table(local).num_rows == 1


def test_a_file_that_is_no_list_has_no_metadata(tmp_path: Path) -> None:
    (tmp_path / "list.parquet").write_bytes(b"half a file")
    assert read_metadata(f"{tmp_path.as_uri()}/list.parquet") is None


def test_lists_are_told_by_source_and_time_and_their_changes_lie_beside_them(tmp_path: Path) -> None:
    lists = ContractLists(tmp_path.as_uri())
    assert (lists.sources(), lists.dated("alpaca-paper")) == ([], [])
    for moment in (NOON + DAY, NOON):
        write_contracts(lists.uri("alpaca-paper", moment), iter(batches(1)), {})
        changes = lists.changes("alpaca-paper", moment)
        (tmp_path / "contracts" / "alpaca-paper" / changes.rpartition("/")[2]).write_text("{}", encoding="utf-8")
    assert lists.changes("alpaca-paper", NOON) == lists.uri("alpaca-paper", NOON).replace(".parquet", ".changes.json")
    assert (lists.sources(), lists.dated("alpaca-paper")) == (["alpaca-paper"], [NOON, NOON + DAY])
    lists.forget("alpaca-paper")
    assert list((tmp_path / "contracts" / "alpaca-paper").iterdir()) == []
