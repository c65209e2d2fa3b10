from collections import Counter

import pyarrow as pa
import pytest

from benchmarks.speed import METHODS, measure, measure_each
from benchmarks.speed_baselines import bare_join, dictionary_loop, join_sides, loop_assets, loop_stocks
from benchmarks.speed_child import peak_mib
from benchmarks.synthetic_lists import BROKERS, synthetic_world
from include.domain.contract import Contract, to_table
from include.domain.instrument import Instrument
from include.mapping.matcher import match_columns
from include.mapping.wanted import Wanted
from include.settings import load_settings

APPLE, BRK_B = "US0378331005", "US0846707026"


def instrument(ticker: str, isin: str | None = None) -> Instrument:
    return Instrument(
        instrument_id=f"ticker:{ticker}", ticker=ticker, name=f"{ticker} Inc", isin=isin, currency="USD", market="US"
    )


def contract(symbol: str, isin: str | None = None) -> Contract:
    return Contract(broker="b", native_id=symbol, symbol=symbol, name=f"{symbol} Inc", currency="USD", mic="XNAS", isin=isin)


def tried(wanted: Wanted, listed: pa.Table, knows_isin: bool = False) -> int:
    return match_columns(wanted, listed, load_settings().markets, knows_isin, "b").lookups


WANTED = [instrument("AAPL", APPLE), instrument("ZZZZ", BRK_B), instrument("YYYY")]


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ([contract("AAPL", APPLE), contract("YYYY")], 2 + 2),  # two ISINs, then the two symbols that no ISIN decided
        ([contract("AAPL"), contract("YYYY")], 3),  # a list that knows no ISIN is asked for symbols only
        ([], 3),
    ],
)
def test_a_look_up_is_one_row_tried_on_one_key(listed: list[Contract], expected: int) -> None:
    assert tried(Wanted.of(WANTED, load_settings().markets), to_table(listed)) == expected


def test_each_spelling_of_a_symbol_is_a_look_up() -> None:
    danish = Instrument(
        instrument_id="ticker:ROCK-A.CO", ticker="ROCK-A.CO", name="Rock", currency="DKK", market="XCSE"
    )  # ROCK.A and ROCKA
    assert tried(Wanted.of([danish], load_settings().markets), to_table([])) == 2
    assert tried(Wanted.of([danish], load_settings().markets), to_table([]), knows_isin=True) == 3  # and the name


def test_a_name_is_tried_only_where_it_may_decide() -> None:
    wanted = Wanted.of(WANTED, load_settings().markets)  # in the US: nowhere
    assert tried(wanted, to_table([contract("AAPL", APPLE)]), knows_isin=True) == 2 + 2


def test_the_loop_and_the_matcher_name_the_same_contract_where_a_symbol_is_one_company_s() -> None:
    world, markets = synthetic_world(400, 3200), load_settings().markets
    listed = world.listed("alpaca")
    said = match_columns(Wanted.of_table(world.universe, markets), listed, markets, False, "alpaca").table().to_pylist()
    results = dictionary_loop(loop_stocks(world.universe), loop_assets(listed))
    assert list(results) == world.universe["ticker"].to_pylist()
    times = Counter(listed["symbol"].to_pylist())
    both = [
        (row["native_id"], result.asset_id)
        for row, result in zip(said, results.values(), strict=True)
        if row["native_id"] and result.found and times[result.symbol] == 1
    ]
    assert len(both) > 30
    assert all(ours == theirs for ours, theirs in both)


@pytest.mark.parametrize(("broker", "method"), [("ibkr", "isin"), ("alpaca", "ticker")])
def test_the_join_and_the_matcher_name_the_same_contract_where_the_key_decides(broker: str, method: str) -> None:
    world, markets = synthetic_world(400, 3200), load_settings().markets
    listed = world.listed(broker)
    wanted = Wanted.of_table(world.universe, markets)
    said = match_columns(wanted, listed, markets, BROKERS[broker], broker).table().to_pylist()
    joined = bare_join(*join_sides(world.universe, listed, BROKERS[broker])).to_pylist()
    found = {row["instrument_id"]: row["native_id"] for row in joined}
    assert len(joined) == len(found) == 400
    decided = [row for row in said if row["search_method"] == method and row["status"] == "matched"]
    assert len(decided) > 50
    assert all(found[row["instrument_id"]] == row["native_id"] for row in decided)


def test_processes_together_measure_the_whole_world() -> None:
    world, markets = synthetic_world(100, 800), load_settings().markets
    wanted = Wanted.of_table(world.universe, markets)
    found = measure(100, 800, processes=2, rounds=1)
    assert (found.pairs, found.contracts) == (800, 800)
    assert found.lookups == sum(tried(wanted, world.listed(broker), knows) for broker, knows in BROKERS.items())
    assert set(found.seconds) == set(METHODS)
    assert 0 < found.seconds["matcher"] < float("inf")
    assert found.peak_mib > 20


def test_one_list_at_a_time_measures_as_many_contracts_at_each_broker() -> None:
    found = measure_each(50, 60, rounds=1)
    assert (found.pairs, found.contracts) == (400, 480)
    assert found.lookups_per_second == found.lookups / found.seconds["matcher"]
    assert found.times("join") > 0


def test_the_peak_is_this_process_s_own() -> None:
    assert peak_mib() > 20
