import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.ibkr.adapter import IbkrBroker
from include.domain.run import Run
from include.errors import InputError
from include.settings import PROJECT, Settings, load_settings
from include.steps.discovered import narrowed
from include.steps.merge_mappings import merge_mappings
from include.steps.plan_candidates import candidates
from include.storage.artifacts import exists, read_bytes, read_json, write_json
from include.storage.run_folder import RunFolder
from include.trading.routing import route
from tests.mapping.documents import hit, miss, stock, universe
from tests.steps.mapping_run import make_run
from tests.trading.build import portfolio, snapshot

SETTINGS = load_settings()


def deliver(run: Run, broker: str, mappings: list[object]) -> dict[str, object]:
    uri = write_json(RunFolder(run.folder).mapping(broker), {"broker": broker, "mappings": mappings})
    return {"broker": broker, "uri": uri, "matched": 1, "total": 2}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = make_run(tmp_path)
    write_json(RunFolder(run.folder).universe, universe(stock("AAPL"), stock("NOPE")))
    return run


def test_all_delivered(run: Run) -> None:
    results = [deliver(run, broker, [hit("AAPL", broker), miss("NOPE", broker), hit("LEFT", broker)]) for broker in run.brokers]
    uri = merge_mappings(run, results, SETTINGS, {})
    document = read_json(uri)
    assert uri == f"{run.folder}/universe_mapped.json"
    assert document["metadata"]["created_at"] == "2026-11-20T21:30:00+00:00"
    assert document["metadata"]["brokers_included"] == ["alpaca", "ibkr", "paper"]
    assert document["metadata"]["brokers_unavailable"] == []
    assert list(document["all_stocks"]) == ["AAPL", "NOPE"]
    assert document["all_stocks"]["AAPL"]["broker_mappings"]["paper"]["conId"] == 265598  # it mirrors IBKR
    assert document["all_stocks"]["AAPL"]["execution_preference"] == ["alpaca", "ibkr", "paper"]
    old = read_json(RunFolder(run.folder).universe_with_ibkr)
    assert old["all_stocks"]["AAPL"]["ibkr_details"]["conId"] == 265598
    before = read_bytes(uri)
    merge_mappings(run, list(reversed(results)), SETTINGS, {})
    assert read_bytes(uri) == before


def test_who_did_not_deliver_is_unavailable_even_over_an_older_answer(run: Run) -> None:
    deliver(run, "ibkr", [hit("AAPL"), miss("NOPE")])
    uri = merge_mappings(run, [deliver(run, "alpaca", [hit("AAPL", "alpaca"), miss("NOPE", "alpaca")]), None], SETTINGS, {})
    document = read_json(uri)
    assert document["metadata"]["brokers_unavailable"] == ["ibkr", "paper"]
    assert document["all_stocks"]["AAPL"]["broker_mappings"]["ibkr"] == {
        "found": False,
        "status": "unavailable",
        "reason": "unavailable",
    }
    now_said = read_json(RunFolder(run.folder).mapping("ibkr"))["mappings"]
    assert [(row["ticker"], row["status"]) for row in now_said] == [("AAPL", "unavailable"), ("NOPE", "unavailable")]


EQUALS = "rules: [{brokers: [[alpaca, ibkr]]}]\ncriteria: [health, cash]"


@pytest.fixture
def equals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Alpaca and IBKR are equals: how they do, and what money lies there, decides."""
    config = shutil.copytree(PROJECT / "include" / "config", tmp_path / "config")
    (config / "preferences.yaml").write_text(EQUALS)
    monkeypatch.setenv("POLYBROKER_CONFIG_DIR", str(config))
    return load_settings()


def with_accounts(tmp_path: Path, frozen: bool = False) -> tuple[Run, list[dict[str, object]]]:
    """IBKR holds 3,000 dollars in two accounts; Alpaca 1,000."""
    accounts = portfolio().accounts
    second = accounts[0].model_copy(update={"account_id": "ibkr-second", "broker_account": "2"})
    run = make_run(tmp_path, brokers=("alpaca", "ibkr"), portfolios=(portfolio(accounts=(*accounts, second)),))
    folder = RunFolder(run.folder)
    write_json(folder.universe, universe(stock("AAPL", target_value_eur=5000)))
    document = read_json(folder.universe)
    document["metadata"]["exchange_rates"] = {"rates": {"USD": {"rate": 1.25}}}
    write_json(folder.universe, document)
    for name, cash in (("ibkr-main", "2000"), ("ibkr-second", "1000"), ("alpaca-main", "1000")):
        is_frozen = frozen and name == "alpaca-main"
        write_json(folder.account(name), snapshot(name, {"USD": cash, "EUR": "9000"}, frozen=is_frozen))
    return run, [deliver(run, broker, [hit("AAPL", broker)]) for broker in run.brokers]


def test_settled_cash_of_a_brokers_accounts_counts(tmp_path: Path, equals: Settings) -> None:
    run, results = with_accounts(tmp_path)
    row = read_json(merge_mappings(run, results, equals, {}))["all_stocks"]["AAPL"]
    assert row["execution_preference"] == row["broker_order"] == ["ibkr", "alpaca"]
    assert row["preference_reason"] == (
        "rule 1 (stock in us): alpaca = ibkr; health not measured; "
        "ibkr before alpaca by cash (alpaca 800 EUR in USD, ibkr 2400 EUR in USD)"
    )


def test_an_account_that_could_not_be_read_keeps_its_broker_in_place(tmp_path: Path, equals: Settings) -> None:
    run, results = with_accounts(tmp_path, frozen=True)
    row = read_json(merge_mappings(run, results, equals, {}))["all_stocks"]["AAPL"]
    assert row["broker_order"] == ["alpaca", "ibkr"]


def test_health_that_is_handed_in_decides(tmp_path: Path, equals: Settings) -> None:
    run, results = with_accounts(tmp_path)
    health = {"alpaca": Decimal(1), "ibkr": Decimal("0.5")}
    row = read_json(merge_mappings(run, results, equals, {}, health))["all_stocks"]["AAPL"]
    assert row["best_broker"] == "alpaca"


def test_a_broker_that_is_away_keeps_its_place_and_its_names_wait(tmp_path: Path, equals: Settings) -> None:
    run, results = with_accounts(tmp_path)
    folder = RunFolder(run.folder)
    merge_mappings(run, results[:1], equals, {})
    row = read_json(folder.universe_mapped)["all_stocks"]["AAPL"]
    assert (row["best_broker"], row["broker_order"]) == ("alpaca", ["ibkr", "alpaca"])
    sizes = {"positions": {"AAPL": {"target_weight": "0.05"}}}
    stocks = read_json(folder.universe)
    stocks["all_stocks"]["AAPL"]["price"] = 200.0
    write_json(folder.universe, stocks)
    (apple,) = candidates(run, run.portfolios[0], sizes, [], equals)
    snapshots = {"ibkr-main": snapshot(), "alpaca-main": snapshot("alpaca-main")}
    assert route(apple, portfolio(), snapshots) == "broker_unavailable: ibkr is preferred and could not be asked"


def test_legacy_can_be_switched_off(tmp_path: Path) -> None:
    run = make_run(tmp_path, options={"write_legacy": False}, brokers=("ibkr",))
    write_json(RunFolder(run.folder).universe, universe(stock("AAPL")))
    merge_mappings(run, [deliver(run, "ibkr", [hit("AAPL")])], SETTINGS, {})
    assert not exists(RunFolder(run.folder).universe_with_ibkr)


def test_a_stranger_is_refused(run: Run) -> None:
    with pytest.raises(InputError, match=r"expected brokers out of alpaca, ibkr, paper \(found 'oanda'\)"):
        merge_mappings(run, [deliver(run, "oanda", [])], SETTINGS, {})
    assert not exists(RunFolder(run.folder).universe_mapped)


def test_without_a_universe(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"universe.json"):
        merge_mappings(make_run(tmp_path), [], SETTINGS, {})


def test_a_broker_whose_account_is_blocked_is_no_candidate_and_the_reason_is_written(run: Run) -> None:
    results = [deliver(run, broker, [hit("AAPL", broker), miss("NOPE", broker)]) for broker in run.brokers]
    able = {"alpaca": AlpacaBroker.capabilities, "ibkr": IbkrBroker.capabilities}
    told = {"ibkr-main": {"stock": "the account is blocked"}}
    row = read_json(merge_mappings(run, results, SETTINGS, narrowed(able, run, told)))["all_stocks"]["AAPL"]
    assert row["broker_order"] == ["alpaca", "paper"]
    assert "ibkr left out: trades no stock in this account: the account is blocked" in row["preference_reason"]
