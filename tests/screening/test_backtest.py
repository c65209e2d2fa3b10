import json
from datetime import date
from pathlib import Path

import pytest

from include.errors import InputError
from include.screening.backtest import backtest_date, parse_backtest
from tests.screening.exports import backtest

SOURCE = "x_backtest_results.csv"


def test_a_backtest() -> None:
    content = backtest("Short", quarters=[("2024 Q3", "-2.00%"), ("2024 Q4", "1.50%")])
    assert parse_backtest(content, SOURCE, "good ones") == {
        "screen_name": "good ones",
        "direction": "short",
        "backtest_metadata": {"Date": "18 Aug 2025", "Trade": "Short", "Number of stocks": "24"},
        "key_statistics": {"Total return": "66.1%", "Yearly return": "12.37%"},
        "quarterly_summary": {"total_quarters": 2, "avg_quarterly_return": "-0.25%", "quarterly_std": "16.00%"},
        "quarterly_data": [
            {"quarter": "2024 Q3", "return": "-2.00%", "period_sd": "16%", "beta": "0.97", "benchmark_return": "-5.72%"},
            {"quarter": "2024 Q4", "return": "1.50%", "period_sd": "16%", "beta": "0.97", "benchmark_return": "-5.72%"},
        ],
    }


def test_its_date() -> None:
    assert backtest_date(backtest(day="1 Sep 2025"), SOURCE) == date(2025, 9, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (backtest("Both"), f"{SOURCE}, field 'Trade': expected Long or Short (found 'Both')"),
        (backtest().replace(b'"Trade",Long', b""), f"{SOURCE}, field 'Trade': expected Long or Short"),
        (backtest(quarters=[]), f"{SOURCE}, field 'Quarter return': expected at least one complete quarter"),
        (
            backtest(quarters=[("2024 Q4", "n/a")]),
            f"{SOURCE}, row 11, field 'return': expected the return of 2024 Q4 in percent such as 1.19% (found 'n/a')",
        ),
        (
            backtest(quarters=[("2024 Q4", "1000001%")]),
            f"{SOURCE}, row 11, field 'return': expected the return of 2024 Q4 in percent such as 1.19% (found '1000001%')",
        ),
        (
            backtest(quarters=[("2024 Q4", "1%"), ("2024 Q4", "1%")]),
            f"{SOURCE}, row 13, field 'quarter': expected a quarter such as 2008 Q2 after 2024 Q4 (found '2024 Q4')",
        ),
        (
            backtest(quarters=[("Q4 2024", "1%")]),
            f"{SOURCE}, row 11, field 'quarter': expected a quarter such as 2008 Q2 (found 'Q4 2024')",
        ),
        (b"", f"{SOURCE}: expected a CSV file with a header, it is empty"),
    ],
)
def test_a_backtest_that_cannot_be_read(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_backtest(content, SOURCE, "x")
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (backtest(day="soon"), f"{SOURCE}, row 2, field 'Date': expected a date such as 18 Aug 2025 (found 'soon')"),
        (b'sep=,\n"Trade",Long', f"{SOURCE}, field 'Date': expected a line with the date of the backtest"),
    ],
)
def test_a_backtest_without_a_date(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        backtest_date(content, SOURCE)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("key", "direction", "total"),
    [("quality_bloom", "long", "1051%"), ("TOR_Surplus", "short", "-94.38%"), ("Moat_Companies", "long", "666%")],
)
def test_the_real_backtests_give_what_the_old_system_made_of_them(
    shared_data: Path, key: str, direction: str, total: str
) -> None:
    file = shared_data / "uncle_stock" / f"{key}_backtest_results.csv"
    old = json.loads((shared_data / "uncle_stock" / "universe.json").read_bytes())["metadata"]["historical_performance"][key]
    found = parse_backtest(file.read_bytes(), str(file), key.replace("_", " "))
    assert found["direction"] == direction
    assert found["key_statistics"]["Total return"] == total
    assert {name: found[name] for name in ("screen_name", "quarterly_summary", "quarterly_data")} == {
        name: old[name] for name in ("screen_name", "quarterly_summary", "quarterly_data")
    }
    # The old parser stopped after six settings.
    assert old["backtest_metadata"].items() <= found["backtest_metadata"].items()
    assert len(found["quarterly_data"]) == 68
    assert backtest_date(file.read_bytes(), str(file)) == date(2025, 8, 18)
    assert "unclestock" not in json.dumps(found)
