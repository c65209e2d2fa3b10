import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from include.errors import InputError
from include.screening.old_universe import read_universe, universe_screen
from tests.screening.exports import MARKETS

STOCK = {
    "ticker": "AAPL",
    "isin": "US0378331005",
    "name": "Apple Inc",
    "currency": "USD",
    "sector": "Technology",
    "country": "United States",
    "price": 230.5,
    "price_180d_change": "9.09%",
    "screens": ["good ones"],
    "rank": 1,
    "final_target": 0.9,
    "eur_exchange_rate": 1.18,
    "quantity": 77,
}
HISTORY = {
    "screen_name": "good ones",
    "backtest_metadata": {"Date": "18 Aug 2025", "Trade": "Short"},
    "quarterly_data": [{"quarter": "2024 Q4", "return": "1.50%", "period_sd": "16%", "beta": "0.97", "benchmark_return": "2%"}],
}
DOCUMENT: dict[str, Any] = {
    "metadata": {"created_at": "2025-09-18T10:49:00.621520", "historical_performance": {"good_ones": HISTORY}},
    "screens": {"good_ones": {"name": "good ones", "count": 1, "stocks": [STOCK]}},
    "all_stocks": {"AAPL": STOCK},
}


def document(path: str, value: Any) -> bytes:
    """`DOCUMENT` with one value replaced; None removes it."""
    changed = copy.deepcopy(DOCUMENT)
    *parents, last = path.split("/")
    at: Any = changed
    for parent in parents:
        at = at[int(parent) if isinstance(at, list) else parent]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return json.dumps(changed).encode()


def test_identities_prices_changes_and_history_are_taken_and_nothing_else() -> None:
    universe = read_universe(json.dumps(DOCUMENT).encode(), "u.json")
    assert (universe.dated, universe.names, universe.synthetic) == (date(2025, 9, 18), {"good_ones": "good ones"}, False)
    rows, rejected, history = universe_screen(universe, "good_ones", MARKETS)
    assert [row.model_dump(mode="json") for row in rows] == [
        {
            "ticker": "AAPL",
            "isin": "US0378331005",
            "name": "Apple Inc",
            "currency": "USD",
            "market": "US",
            "asset_class": "stock",
            "sector": "Technology",
            "country": "United States",
            "price": 230.5,
            "price_180d_change": "9.09%",
            "pair": None,
            "line": 1,
        }
    ]
    assert rejected == []
    assert history["direction"] == "short"
    assert history["quarterly_data"] == HISTORY["quarterly_data"]


def test_bad_rows_are_rejected_by_their_position() -> None:
    stocks = [STOCK, {**STOCK, "ticker": "MSFT", "price": True}, "nonsense", {**STOCK, "ticker": "NVDA", "price": float("nan")}]
    rows, rejected, _ = universe_screen(
        read_universe(document("screens/good_ones/stocks", stocks), "/a/u.json"), "good_ones", MARKETS
    )
    assert [row.ticker for row in rows] == ["AAPL"]
    assert [(r.file, r.line, r.ticker, r.field, r.value) for r in rejected] == [
        ("u.json", 2, "MSFT", "price", ""),
        ("u.json", 3, None, "stocks", "str"),
        ("u.json", 4, "NVDA", "price", "nan"),
    ]


def test_without_history_a_screen_is_long() -> None:
    content = document("metadata/historical_performance", None)
    _, _, history = universe_screen(read_universe(content, "u.json"), "good_ones", MARKETS)
    assert (history["direction"], history["quarterly_data"]) == ("long", [])


def test_keys_become_file_safe() -> None:
    content = json.dumps({**DOCUMENT, "screens": {"good/ones": DOCUMENT["screens"]["good_ones"]}}).encode()
    universe = read_universe(content, "u.json")
    assert universe.names == {"good_ones": "good ones"}
    assert [row.ticker for row in universe_screen(universe, "good_ones", MARKETS)[0]] == ["AAPL"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "u.json: expected JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"\xff", "u.json: expected JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (
            b"[" * 100_000,
            "u.json: expected JSON: maximum recursion depth exceeded while decoding a JSON array from a unicode string",
        ),
        (b"[]", "u.json: expected a JSON object with metadata and screens (found 'list')"),
        (document("metadata", None), "u.json, field 'metadata': expected a JSON object (found 'NoneType')"),
        (document("screens", None), "u.json, field 'screens': expected a JSON object (found 'NoneType')"),
        (document("screens", {}), "u.json, field 'screens': expected at least one screen"),
        (document("screens/good_ones/stocks", None), "u.json, field 'screens.good_ones.stocks': expected a list of stocks"),
        (
            document("screens", {"a/b": DOCUMENT["screens"]["good_ones"], "a?b": DOCUMENT["screens"]["good_ones"]}),
            "u.json, field 'screens': expected screen keys that differ in letters or digits",
        ),
        (
            document("metadata/created_at", None),
            "u.json, field 'metadata.created_at': expected a date and time such as 2025-09-18T10:49:00",
        ),
        (
            document("metadata/created_at", "yesterday"),
            "u.json, field 'metadata.created_at': expected a date and time such as 2025-09-18T10:49:00 (found 'yesterday')",
        ),
    ],
)
def test_a_file_of_the_wrong_shape(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        read_universe(content, "u.json")
    assert str(error.value) == message


PERFORMANCE = "metadata.historical_performance.good_ones"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (document("screens/good_ones/stocks", []), "u.json: expected at least one row, the screen is empty"),
        (
            document("metadata/historical_performance/good_ones", {"quarterly_data": {}}),
            f"u.json, field '{PERFORMANCE}': expected quarterly_data (a list) and backtest_metadata (an object)",
        ),
        (
            document("metadata/historical_performance/good_ones/quarterly_data", ["x"]),
            f"u.json, row 1, field '{PERFORMANCE}.quarterly_data': expected a JSON object",
        ),
        (
            document("metadata/historical_performance/good_ones/backtest_metadata", {"Trade": "Both"}),
            "u.json, field 'Trade': expected Long or Short (found 'Both')",
        ),
    ],
)
def test_a_screen_that_cannot_be_read(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        universe_screen(read_universe(content, "u.json"), "good_ones", MARKETS)
    assert str(error.value) == message


def test_an_unknown_screen() -> None:
    with pytest.raises(InputError, match=r"^u.json: expected one of the screens good_ones \(found 'other'\)$"):
        universe_screen(read_universe(json.dumps(DOCUMENT).encode(), "u.json"), "other", MARKETS)


def test_the_real_file(shared_data: Path) -> None:
    file = shared_data / "uncle_stock" / "universe.json"
    universe = read_universe(file.read_bytes(), str(file))
    assert universe.dated == date(2025, 9, 18)
    found = {key: universe_screen(universe, key, MARKETS) for key in universe.names}
    assert {key: len(rows) for key, (rows, _, _) in found.items()} == {
        "quality_bloom": 209,
        "TOR_Surplus": 206,
        "Moat_Companies": 86,
    }
    assert [rejected for _, rejected, _ in found.values()] == [[], [], []]
    assert {key: history["direction"] for key, (_, _, history) in found.items()} == {
        "quality_bloom": "long",
        "TOR_Surplus": "short",
        "Moat_Companies": "long",
    }
    assert len({row.ticker for rows, _, _ in found.values() for row in rows}) == 438


def test_an_empty_history_is_no_history() -> None:
    content = document("metadata/historical_performance/good_ones", {"quarterly_data": [], "backtest_metadata": {}})
    _, _, history = universe_screen(read_universe(content, "u.json"), "good_ones", MARKETS)
    assert (history["direction"], history["quarterly_summary"]["total_quarters"]) == ("long", 0)


@pytest.mark.parametrize("asset_class", ["etf", "stock"])
def test_a_row_keeps_the_kind_that_it_says(asset_class: str) -> None:
    content = document("screens/good_ones/stocks/0/asset_class", asset_class)
    rows, _, _ = universe_screen(read_universe(content, "u.json"), "good_ones", MARKETS)
    assert [row.asset_class.value for row in rows] == [asset_class]
