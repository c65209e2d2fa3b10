from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.domain.mapping import Mapping
from include.domain.order import OrderReport, OrderState
from include.errors import InputError
from include.settings import load_settings
from include.steps.plan_candidates import candidates, frozen_by, market_of, rates_to
from include.storage.artifacts import read_json, write_json
from include.storage.journal import JournalEntry, ManagedPosition
from include.storage.run_folder import RunFolder
from tests.fakes.orders import make_order
from tests.steps.run_files import found, make_run, missing, stock, write_inputs, write_order
from tests.trading.build import candidate, contract, portfolio

SETTINGS = load_settings()


def test_rates_turn_from_euro_to_any_base() -> None:
    per_euro = {"rates": {"USD": {"rate": 1.25}, "JPY": {"rate": 160.0}}}
    assert rates_to("EUR", per_euro) == {"USD": Decimal("1.25"), "JPY": Decimal(160), "EUR": Decimal(1)}
    assert rates_to("USD", per_euro) == {"USD": Decimal(1), "JPY": Decimal(128), "EUR": Decimal("0.8")}
    with pytest.raises(InputError, match="expected an exchange rate of the portfolio's base currency"):
        rates_to("CHF", per_euro)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"mic": "XNGS", "currency": "USD"}, "US"),
        ({"mic": "XTKS", "currency": "JPY"}, "XTKS"),
        ({"mic": "", "currency": "SEK"}, "XSTO"),
        ({"mic": "", "currency": "EUR", "exchange": "SBF"}, "XPAR"),
        ({"mic": "", "currency": "EUR"}, "XDUB"),  # a euro market; London quotes in euro too, and comes first in the list
        ({"mic": "", "currency": "USD", "asset_class": "crypto"}, "CRYPTO"),
        ({"mic": "", "currency": "USD", "asset_class": "metal"}, "FX"),
    ],
)
def test_a_market_is_known_by_kind_mic_exchange_or_currency(told: dict[str, str], expected: str) -> None:
    assert market_of(contract(**told), SETTINGS) == expected


def test_a_contract_of_nowhere_is_an_input_error() -> None:
    with pytest.raises(InputError, match="expected a market of markets.yaml"):
        market_of(contract(mic="", currency="ZZZ"), SETTINGS)


def test_targets_mappings_preferences_and_holdings_are_joined(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    write_inputs(run)
    sizes = read_json(RunFolder(run.folder).sizes("main"))
    held = [
        ManagedPosition("main", "ibkr-main", "IBM", "ticker:IBM", contract(native_id="con-IBM", symbol="IBM"), Decimal(5)),
        ManagedPosition("main", "ibkr-main", "OLD", "ticker:OLD", contract(native_id="con-OLD", symbol="OLD"), Decimal(9)),
    ]
    aapl, ibm, old = candidates(run, portfolio(), sizes, held, SETTINGS)
    assert (aapl.ticker, aapl.target_weight, aapl.held_quantity, aapl.market) == ("AAPL", Decimal("0.05"), Decimal(0), "US")
    assert aapl.preference[:2] == ("alpaca", "ibkr")
    assert sorted(aapl.mappings) == ["alpaca", "ibkr"]
    assert (ibm.held_quantity, ibm.holdings[0].account_id) == (Decimal(5), "ibkr-main")
    assert (old.ticker, old.target_weight, old.held_quantity, old.export_price, old.market) == (
        "OLD",
        Decimal(0),
        Decimal(9),
        None,
        "US",
    )


def test_planning_goes_by_the_order_that_was_written(tmp_path: Path) -> None:
    """Reckoned anew it could differ: from other cash, another health, an edited file."""
    run = make_run(tmp_path / "run")
    write_inputs(run)
    sizes = read_json(RunFolder(run.folder).sizes("main"))
    write_order(run, ["AAPL", "IBM"], "ibkr", "kraken", "alpaca")
    assert [one.preference for one in candidates(run, portfolio(), sizes, [], SETTINGS)] == [("ibkr", "kraken", "alpaca")] * 2
    write_order(run, ["AAPL"], "ibkr")
    with pytest.raises(
        InputError, match=r"universe_mapped.json, field 'all_stocks.IBM': expected a broker_order: run merge_mappings"
    ):
        candidates(run, portfolio(), sizes, [], SETTINGS)


APPLE, OTHER = "isin:US0378331005", "isin:US5949181045"


def holders(
    tmp_path: Path, stocks: dict[str, dict[str, Any]], position: ManagedPosition, *mappings: Mapping
) -> dict[tuple[str, str], str]:
    """(ticker, instrument) of every candidate, to what it holds."""
    run = make_run(tmp_path / "run", brokers=("ibkr",))
    folder = RunFolder(run.folder)
    write_json(folder.universe, {"all_stocks": stocks})
    write_order(run, stocks)
    write_json(folder.mapping("ibkr"), {"broker": "ibkr", "mappings": mappings})
    sizes = {"positions": {ticker: {"target_weight": "0.05"} for ticker in stocks}}
    found = candidates(run, portfolio(), sizes, [position], SETTINGS)
    return {(one.ticker, one.instrument_id): str(one.held_quantity) for one in found}


def held(ticker: str, instrument_id: str, native_id: str = "1") -> ManagedPosition:
    return ManagedPosition("main", "ibkr-main", ticker, instrument_id, contract(native_id=native_id, symbol=ticker), Decimal(5))


def test_a_renamed_holding_is_found_though_its_symbol_was_given_away(tmp_path: Path) -> None:
    stocks = {"FB": stock("FB", instrument_id=OTHER), "META": stock("META", instrument_id=APPLE)}
    assert holders(tmp_path, stocks, held("FB", APPLE)) == {("FB", OTHER): "0", ("META", APPLE): "5"}


def test_a_row_that_lost_its_isin_still_holds_what_it_maps_to(tmp_path: Path) -> None:
    stocks = {"AAPL": stock("AAPL"), "MSFT": stock("MSFT")}
    mapped = (found("ibkr", "AAPL", "1"), found("ibkr", "MSFT", "2"))
    expected = {("AAPL", "ticker:AAPL"): "5", ("MSFT", "ticker:MSFT"): "0"}
    assert holders(tmp_path, stocks, held("AAPL", APPLE), *mapped) == expected


def test_a_row_that_got_an_isin_holds_what_it_maps_to_under_another_ticker_too(tmp_path: Path) -> None:
    stocks = {"META": stock("META", instrument_id=APPLE)}
    assert holders(tmp_path, stocks, held("FB", "ticker:FB"), found("ibkr", "META", "1")) == {("META", APPLE): "5"}


def test_a_row_of_uncertain_identity_keeps_its_holding_while_the_broker_names_no_contract(tmp_path: Path) -> None:
    stocks = {"AAPL": stock("AAPL")}
    assert holders(tmp_path, stocks, held("AAPL", APPLE), missing("ibkr", "AAPL")) == {("AAPL", "ticker:AAPL"): "5"}


@pytest.mark.parametrize("identity", [OTHER, "ticker:FB"])
def test_a_symbol_that_was_given_away_does_not_inherit_the_holding(tmp_path: Path, identity: str) -> None:
    stocks = {"FB": stock("FB", instrument_id=identity)}
    expected = {("FB", identity): "0", ("FB", APPLE): "5"}
    assert holders(tmp_path, stocks, held("FB", APPLE), found("ibkr", "FB", "2")) == expected


@pytest.mark.parametrize("in_universe", [True, False])
def test_a_holding_is_priced_as_the_broker_describes_it_today(tmp_path: Path, in_universe: bool) -> None:
    """An adopted position knows no pence: a limit in pounds would be sent as one in pence."""
    run = make_run(tmp_path / "run", brokers=("ibkr",))
    folder = RunFolder(run.folder)
    write_json(folder.universe, {"all_stocks": {"VOD.L": stock("VOD.L", market="XLON")} if in_universe else {}})
    write_order(run, ["VOD.L"])
    today = contract(native_id="1", symbol="VOD", currency="GBP", mic="XLON", price_magnifier=Decimal(100))
    mapped = found("ibkr", "VOD.L", "1").model_copy(update={"contract": today})
    write_json(folder.mapping("ibkr"), {"broker": "ibkr", "mappings": [mapped]})
    bare = contract(native_id="1", symbol="VOD", currency="GBP", mic="XLON")
    position = ManagedPosition("main", "ibkr-main", "VOD.L", "ticker:VOD.L", bare, Decimal(5))
    (one,) = candidates(run, portfolio(), {"positions": {}}, [position], SETTINGS)
    assert one.holdings[0].contract == today


def test_a_holding_whose_instrument_got_another_id_is_still_that_holding(tmp_path: Path) -> None:
    """Its ISIN became known, or its ticker changed: neither sold as if it had left nor bought a second time."""
    run = make_run(tmp_path / "run")
    write_inputs(run)
    sizes = read_json(RunFolder(run.folder).sizes("main"))
    held = [ManagedPosition("main", "ibkr-main", "IBM.OLD", "isin:US1", contract(native_id="con-IBM", symbol="IBM"), Decimal(5))]
    aapl, ibm = candidates(run, portfolio(), sizes, held, SETTINGS)
    assert (aapl.held_quantity, ibm.ticker, ibm.held_quantity) == (Decimal(0), "IBM", Decimal(5))


@pytest.mark.parametrize(
    ("before", "now", "belongs"),
    [
        ("ticker:IBM", "isin:US4592001014", True),  # adopted without its ISIN
        ("isin:US4592001014", "ticker:IBM", True),  # the export lost it
        ("isin:US4592001014", "isin:US0000000000", False),  # another company has the ticker now
    ],
)
def test_a_ticker_decides_only_where_an_isin_is_not_known(tmp_path: Path, before: str, now: str, belongs: bool) -> None:
    """The broker does not map it today, so that its contract says nothing."""
    run = make_run(tmp_path / "run")
    write_inputs(run)
    folder = RunFolder(run.folder)
    universe = read_json(folder.universe)
    universe["all_stocks"]["IBM"]["instrument_id"] = now
    write_json(folder.universe, universe)
    mapped = read_json(folder.mapping("ibkr"))
    write_json(folder.mapping("ibkr"), mapped | {"mappings": [row for row in mapped["mappings"] if row["ticker"] != "IBM"]})
    held = [ManagedPosition("main", "ibkr-main", "IBM", before, contract(native_id="con-1", symbol="IBM"), Decimal(5))]
    found = candidates(run, portfolio(), read_json(folder.sizes("main")), held, SETTINGS)
    assert [(c.instrument_id, c.held_quantity) for c in found if c.ticker == "IBM"] == (
        [(now, Decimal(5))] if belongs else [(now, Decimal(0)), (before, Decimal(5))]
    )


def test_a_ticker_that_another_company_took_over_does_not_take_its_holding(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    write_inputs(run)
    sizes = read_json(RunFolder(run.folder).sizes("main"))
    held = [ManagedPosition("main", "ibkr-main", "IBM", "ticker:AAPL", contract(native_id="con-1", symbol="AAPL"), Decimal(5))]
    aapl, ibm = candidates(run, portfolio(), sizes, held, SETTINGS)
    assert (aapl.ticker, aapl.held_quantity, ibm.held_quantity) == ("AAPL", Decimal(5), Decimal(0))


def test_a_standing_order_freezes_its_instrument_its_ticker_and_every_row_of_its_contract() -> None:
    order = make_order("AAA", "101", account="left-out").model_copy(update={"instrument_id": "isin:US0378331005"})
    entry = JournalEntry(
        order, OrderState.SENDING, None, OrderReport(client_order_id=order.client_order_id, state=OrderState.SENDING)
    )
    other_id = candidate(found("fake", "BBB", "101"), ticker="BBB", instrument_id="ticker:BBB")
    reason = f"order {order.client_order_id} is sending"
    expected = {"isin:US0378331005": reason, "ticker:AAA": reason, "ticker:BBB": reason}
    assert frozen_by([entry], [other_id, candidate(ticker="CCC", instrument_id="ticker:CCC")]) == expected
    assert frozen_by([], [other_id]) == {}


@pytest.mark.parametrize(
    ("ticker", "identity", "told", "belongs"),
    [
        ("BTC-USD", "ticker:BTC-USD", {}, True),
        ("BTC-USD.CRYPTO", "ticker:BTC-USD.CRYPTO", {"base": "BTC"}, True),  # another notation: its contract says what it is
        ("BTC-EUR", "ticker:BTC-EUR", {"base": "BTC", "currency": "EUR"}, False),
    ],
)
def test_a_coin_held_from_before_pairs_had_ids_belongs_to_its_row(
    tmp_path: Path, ticker: str, identity: str, told: dict[str, str], belongs: bool
) -> None:
    """Also while the broker does not map it: it would be sold as if it had left, and bought again."""
    stocks = {"BTC-USD": stock("BTC-USD", instrument_id="pair:BTC/USD", market="CRYPTO", asset_class="crypto")}
    bitcoin = contract(native_id="1", symbol="BTC/USD", mic="", **{"asset_class": "crypto", **told})
    position = ManagedPosition("main", "ibkr-main", ticker, identity, bitcoin, Decimal(5))
    row = ("BTC-USD", "pair:BTC/USD")
    expected = {row: "5"} if belongs else {row: "0", (ticker, identity): "5"}
    assert holders(tmp_path, stocks, position, missing("ibkr", "BTC-USD")) == expected
