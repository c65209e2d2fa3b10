import pytest

from include.domain.handle import Claim
from include.errors import InputError
from include.mapping.handle_file import has_heading, read_handles


def test_columns_may_be_in_any_order_and_be_left_out() -> None:
    payload = '\ufeffnative_id,ticker,name\n\n# a comment\n265598,AAPL,"Apple, Inc."\n1,,\n'.encode()
    assert read_handles(payload, "mine.csv") == [
        Claim(row=4, native_id="265598", ticker="AAPL", name="Apple, Inc."),
        Claim(row=5, native_id="1"),
    ]
    assert read_handles(b"ticker,name,market,native_id\n", "mine.csv") == []


@pytest.mark.parametrize(
    ("payload", "row"),
    [
        (b"", 1),
        (b"ticker,name,market\nA,B,US\n", 1),
        (b"native_id,ticker,ticker\n", 1),
        (b"native_id,colour\n", 1),
        (b"native_id,ticker\n1\n", 2),
        (b"native_id,ticker\n1,A\n,B\n", 3),
    ],
)
def test_a_file_that_is_none(payload: bytes, row: int) -> None:
    with pytest.raises(InputError) as caught:
        read_handles(payload, "mine.csv")
    assert (caught.value.source, caught.value.row) == ("mine.csv", row)


def test_what_is_no_text() -> None:
    with pytest.raises(InputError, match="expected UTF-8"):
        read_handles(b"\xff\xfe", "mine.csv")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [(b"ticker,name,market,native_id\n", True), (b"# Format: instrument_token\n1,A\n", False), (b"", False), (b"\xff", False)],
)
def test_a_list_in_a_brokers_own_form_has_no_such_heading(payload: bytes, expected: bool) -> None:
    assert has_heading(payload) is expected
