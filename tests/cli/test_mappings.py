"""What is held, and the lists that are kept, on the command line; no venue is needed."""

import getpass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from include.cli.wiring import project_database
from include.domain.seen import Change, Seen, SeenPrice, Waiting
from include.errors import InputError
from include.settings import load_settings
from include.storage.artifacts import write_json
from include.storage.contract_lists import ContractLists, write_contracts
from include.storage.seen_mappings import SeenMappings
from tests.cli.conftest import Polybroker
from tests.mapping.build import contract, table

pytestmark = pytest.mark.xdist_group("cli")
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def waiting(broker: str, ticker: str) -> Waiting:
    return Waiting(
        source=f"{broker}-paper",
        broker=broker,
        instrument_id=f"ticker:{ticker}",
        ticker=ticker,
        name="NEW INC",
        name_before="OLD INC",
        handle={"native_id": "999"},
        price=SeenPrice(amount=Decimal(200), currency="USD", session="2026-11-20"),
        run_id="second",
        session="2026-11-20",
        changes=(Change(field="native_id", before="265598", after="999"),),
    )


@pytest.fixture
def held(project: Path) -> None:
    with project_database(load_settings()) as database:
        for one in (waiting("ibkr", "AAPL"), waiting("ibkr", "MSFT"), waiting("alpaca", "AAPL")):
            SeenMappings(database).forget(one.source)
        for one in (waiting("ibkr", "AAPL"), waiting("ibkr", "MSFT"), waiting("alpaca", "AAPL")):
            SeenMappings(database).record(one.source, [], [one], trades=True)


def left() -> list[tuple[str, str]]:
    with project_database(load_settings()) as database:
        return [(one.broker, one.ticker) for one in SeenMappings(database).waiting()]


def seen(source: str) -> list[Seen]:
    with project_database(load_settings()) as database:
        return SeenMappings(database).seen(source)


@pytest.mark.usefixtures("held")
def test_what_is_held_is_listed(polybroker: Polybroker) -> None:
    text = polybroker("mappings", "list").text
    assert (text.count("AAPL"), text.count("MSFT")) == (2, 1)
    assert "265598" in text
    assert "MSFT" not in polybroker("mappings", "list", "--broker", "alpaca").text
    assert "--broker: expected one of alpaca" in str(polybroker("mappings", "list", "--broker", "nonsense").error)


@pytest.mark.usefixtures("held")
def test_one_is_accepted_at_one_broker_under_the_name_of_who_says_so(polybroker: Polybroker) -> None:
    done = polybroker("mappings", "accept", "AAPL", "--broker", "ibkr")
    assert done.text == "ibkr AAPL (NEW INC): native_id 265598 -> 999\n"
    assert left() == [("alpaca", "AAPL"), ("ibkr", "MSFT")]
    assert [(one.ticker, one.seen_by) for one in seen("ibkr-paper")] == [("AAPL", getpass.getuser())]


@pytest.mark.usefixtures("held")
def test_a_ticker_is_accepted_wherever_it_is_held_and_all_is_all(polybroker: Polybroker) -> None:
    assert polybroker("mappings", "accept", "AAPL").text.count("AAPL") == 2
    assert polybroker("mappings", "accept", "--all").text.startswith("ibkr MSFT")
    assert left() == []
    assert polybroker("mappings", "list").text == "no mapping is held\n"
    assert polybroker("mappings", "accept", "--all").text == "no mapping is held\n"


@pytest.mark.usefixtures("held")
def test_what_waits_at_two_sources_of_a_broker_needs_the_source(polybroker: Polybroker) -> None:
    other = waiting("ibkr", "AAPL").model_copy(update={"source": "ibkr-live"})
    with project_database(load_settings()) as database:
        SeenMappings(database).forget("ibkr-live")
        SeenMappings(database).record("ibkr-live", [], [other], trades=True)
    told = str(polybroker("mappings", "accept", "AAPL", "--broker", "ibkr").error)
    assert told.startswith("mappings accept: expected --source, one of ibkr-live, ibkr-paper")
    assert polybroker("mappings", "accept", "AAPL", "--source", "ibkr-live").text.count("AAPL") == 1
    assert left() == [("alpaca", "AAPL"), ("ibkr", "AAPL"), ("ibkr", "MSFT")]


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "expected tickers, or --all"),
        (("AAPL", "--all"), "expected tickers, or --all"),
        (("IBM",), "expected one of AAPL, MSFT"),
        (("AAPL", "IBM"), "expected one of AAPL, MSFT"),
        (("AAPL", "--broker", "binance"), "no mapping is held there"),
        (("AAPL", "--broker", "nonsense"), "--broker: expected one of alpaca, binance, coinbase, crypto_com, ibkr, oanda, paper"),
        (("--all", "--broker", "nonsense"), "(found 'nonsense')"),
    ],
)
def test_nothing_is_accepted_that_is_not_named_rightly(polybroker: Polybroker, words: tuple[str, ...], message: str) -> None:
    result = polybroker("mappings", "accept", *words)
    assert isinstance(result.error, InputError)
    assert message in str(result.error)
    assert len(left()) == 3


def test_kept_lists_are_shown_with_their_changes(polybroker: Polybroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert polybroker("lists").text.startswith("no contract list is kept")
    kept = ContractLists(load_settings().environ.data_uri)
    write_contracts(kept.uri("alpaca-paper", NOON), table(contract("1", "A")).to_batches(), {})
    changed = {"count": 3, "by_column": {"tick_size": 3}, "first": []}
    counts = {"rows": 110, "added": {"count": 7, "first": []}, "removed": {"count": 0, "first": []}, "changed": changed}
    write_json(kept.changes("alpaca-paper", NOON), counts)
    write_contracts(kept.uri("binance-paper", NOON), table(contract("1", "A")).to_batches(), {})
    (alpaca,), (binance,) = (
        [line for line in polybroker("lists").text.splitlines() if name in line] for name in ("alpaca", "binance")
    )
    told = [word for word in alpaca.split() if word not in "│|"]
    assert told == ["alpaca-paper", "2026-11-20", "12:00", "110", "7", "0", "3", "tick_size", "3"]
    assert "not compared" in binance
    assert "binance" not in polybroker("lists", "--source", "alpaca").text
