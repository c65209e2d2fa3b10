from decimal import Decimal
from pathlib import Path

import pytest

from include.errors import InputError
from include.settings import load_settings
from include.steps.plan_candidates import candidates, market_of, rates_to
from include.storage.artifacts import read_json, write_json
from include.storage.journal import ManagedPosition
from include.storage.run_folder import RunFolder
from tests.steps.run_files import make_run, write_inputs
from tests.trading.build import contract, portfolio

SETTINGS = load_settings()


def test_rates_turn_from_euro_to_any_base() -> None:
    per_euro = {"rates": {"USD": {"rate": 1.25}, "JPY": {"rate": 160.0}}}
    assert rates_to("EUR", per_euro) == {"USD": Decimal("1.25"), "JPY": Decimal(160), "EUR": Decimal(1)}
    assert rates_to("USD", per_euro) == {"USD": Decimal(1), "JPY": Decimal(128), "EUR": Decimal("0.8")}
    with pytest.raises(InputError, match="expected an exchange rate of the portfolio's base currency"):
        rates_to("CHF", per_euro)


def test_a_market_is_known_by_its_mic_else_by_its_currency() -> None:
    assert market_of("XNGS", "USD", SETTINGS) == "US"
    assert market_of("XTKS", "JPY", SETTINGS) == "XTKS"
    assert market_of("", "SEK", SETTINGS) == "XSTO"
    with pytest.raises(InputError, match="expected a market of markets.yaml"):
        market_of("", "ZZZ", SETTINGS)


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
    held = [ManagedPosition("main", "ibkr-main", "IBM", before, contract(native_id="con-1", symbol="IBM"), Decimal(5))]
    found = candidates(run, portfolio(), read_json(folder.sizes("main")), held, SETTINGS)
    assert [(c.instrument_id, c.held_quantity) for c in found if c.ticker == "IBM"] == (
        [(now, Decimal(5))] if belongs else [(now, Decimal(0)), (before, Decimal(5))]
    )


def test_a_holding_is_traded_by_what_its_broker_says_of_the_contract_today(tmp_path: Path) -> None:
    """An adopted one knows nothing of pence: quotes and limits of the wire would be taken for pounds."""
    run = make_run(tmp_path / "run")
    write_inputs(run)
    folder = RunFolder(run.folder)
    sizes = read_json(folder.sizes("main"))
    document = read_json(folder.mapping("ibkr"))
    for row in document["mappings"]:
        row["contract"]["price_magnifier"] = "100"
    left = {**document["mappings"][1], "ticker": "OLD", "instrument_id": "ticker:OLD"}
    document["mappings"].append({**left, "contract": {**left["contract"], "native_id": "con-OLD"}})
    write_json(folder.mapping("ibkr"), document)
    held = [
        ManagedPosition("main", "ibkr-main", "IBM", "ticker:IBM", contract(native_id="con-IBM", symbol="IBM"), Decimal(5)),
        ManagedPosition("main", "ibkr-main", "OLD", "ticker:OLD", contract(native_id="con-OLD", symbol="OLD"), Decimal(9)),
        ManagedPosition("main", "ibkr-main", "OLD", "ticker:OLD", contract(native_id="con-GONE", symbol="OLD"), Decimal(1)),
    ]
    _, ibm, old = candidates(run, portfolio(), sizes, held, SETTINGS)
    assert [h.contract.price_magnifier for h in ibm.holdings] == [Decimal(100)]
    assert [(h.contract.native_id, h.contract.price_magnifier) for h in old.holdings] == [
        ("con-OLD", Decimal(100)),
        ("con-GONE", Decimal(1)),
    ]


def test_a_ticker_that_another_company_took_over_does_not_take_its_holding(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    write_inputs(run)
    sizes = read_json(RunFolder(run.folder).sizes("main"))
    held = [ManagedPosition("main", "ibkr-main", "IBM", "ticker:AAPL", contract(native_id="con-1", symbol="AAPL"), Decimal(5))]
    aapl, ibm = candidates(run, portfolio(), sizes, held, SETTINGS)
    assert (aapl.ticker, aapl.held_quantity, ibm.held_quantity) == ("AAPL", Decimal(5), Decimal(0))
