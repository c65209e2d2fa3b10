import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import InputError
from include.screening.csv_records import decode, records


def test_the_separator_line_is_not_a_record_and_lines_are_those_of_the_file() -> None:
    assert list(records("sep=,\r\r\na,b\r\r\n\r\r\nc,d")) == [(2, ["a", "b"]), (4, ["c", "d"])]


def test_another_separator() -> None:
    assert list(records('sep=;\na;"b,c"\n')) == [(2, ["a", "b,c"])]


def test_a_file_without_a_separator_line() -> None:
    assert list(records("a,b\nc,d\n")) == [(1, ["a", "b"]), (2, ["c", "d"])]


def test_a_quoted_cell_may_span_lines() -> None:
    assert list(records('a,b\nx,"one\ntwo"\nc,d')) == [(1, ["a", "b"]), (2, ["x", "one\ntwo"]), (4, ["c", "d"])]


def test_a_stray_quote_costs_its_own_line_only() -> None:
    found = list(records('a,b,c\n1,"x,3\n4,5,6\n7,8,9'))
    assert [line for line, _ in found] == [1, 2, 3, 4]
    assert found[2:] == [(3, ["4", "5", "6"]), (4, ["7", "8", "9"])]


def test_two_stray_quotes_are_not_one_cell() -> None:
    found = list(records('a,b,c\n1,"x,3\n4,5,6\n7,"y,9\n8,8,8'))
    assert found[2] == (3, ["4", "5", "6"])
    assert found[4] == (5, ["8", "8", "8"])


def test_a_cell_over_every_limit_is_one_short_record() -> None:
    assert list(records("a,b\n" + "x" * 200_000 + ",1\nc,d")) == [(1, ["a", "b"]), (2, ["x" * 60]), (3, ["c", "d"])]


def test_quotes_inside_a_cell_are_text() -> None:
    assert list(records("a,b\n18\" wide,OE''")) == [(1, ["a", "b"]), (2, ['18" wide', "OE''"])]


@given(st.lists(st.lists(st.text("abc 1.-", min_size=1, max_size=5).filter(str.strip), min_size=1, max_size=4), max_size=6))
def test_plain_cells_come_back(rows: list[list[str]]) -> None:
    text = "sep=,\n" + "\n".join(",".join(cells) for cells in rows)
    assert [cells for _, cells in records(text)] == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n\xff\xfe", "f.csv, row 2: expected a CSV file in UTF-8"),
        (b"a\nb\0", "f.csv, row 2: expected a CSV file, found binary content"),
        (b" \n", "f.csv: expected a CSV file with a header, it is empty"),
        (b"", "f.csv: expected a CSV file with a header, it is empty"),
    ],
)
def test_what_is_no_text(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        decode(content, "f.csv")
    assert str(error.value) == message


def test_a_byte_order_mark_is_no_text() -> None:
    assert decode(b"\xef\xbb\xbfsymbol", "f.csv") == "symbol"
