from pathlib import Path

import pytest

from include.brokers.zerodha.token_list import read_token_list
from include.domain.handle import Claim
from include.errors import InputError


def test_comments_headings_and_what_may_be_left_out() -> None:
    payload = (
        "\ufeff# Format: instrument_token,tradingsymbol\n\ninstrument_token,tradingsymbol,name,exchange\r\n"
        '408065,INFY,INFOSYS,NSE\n# 1,OLD\n 738561 , RELIANCE\n2953217\n519937,M&M,"MAHINDRA, AND MAHINDRA",NSE\n'
    )
    assert read_token_list(payload.encode()) == [
        Claim(row=4, native_id="408065", ticker="INFY", name="INFOSYS", market="NSE"),
        Claim(row=6, native_id="738561", ticker="RELIANCE"),
        Claim(row=7, native_id="2953217"),
        Claim(row=8, native_id="519937", ticker="M&M", name="MAHINDRA, AND MAHINDRA", market="NSE"),
    ]
    assert read_token_list(b"# nothing yet\n") == []


@pytest.mark.parametrize(
    ("payload", "row"),
    [(b"INFY,408065", 1), (b"# a\n408065,INFY\n-1,X", 3), (b"1,A,B,NSE,more", 1), ("٣,A".encode(), 1), (b",INFY", 1)],
)
def test_a_line_that_is_none(payload: bytes, row: int) -> None:
    with pytest.raises(InputError) as caught:
        read_token_list(payload, "mine.csv")
    assert (caught.value.source, caught.value.row) == ("mine.csv", row)


def test_what_is_no_text() -> None:
    with pytest.raises(InputError, match="expected UTF-8"):
        read_token_list(b"\xff\xfe1")


def test_a_real_list(shared_data: Path) -> None:
    rows = read_token_list((shared_data / "zerodha" / "mislabelled" / "instruments.csv").read_bytes())
    assert len(rows) == 20
    assert Claim(row=21, native_id="1195009", ticker="M&M", name="MAHINDRA & MAHINDRA", market="NSE") in rows
