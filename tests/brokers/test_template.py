"""docs/broker-template, copied as docs/adding-a-broker.md says, goes through step 8; no file of `include/` knows of it."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import include.brokers
from include.brokers.base import BrokerContext
from include.brokers.registry import create_broker, declared_capabilities
from include.domain.account import Account, Environment
from include.domain.mapping import Mapping
from include.errors import AuthenticationFailed, BrokerUnavailable, Unsupported
from include.settings import PROJECT, Settings, load_settings
from include.steps.match_instruments import match_instruments, wanted_instruments
from include.steps.merge_mappings import merge_mappings
from include.steps.refresh_contracts import refresh_contracts
from include.storage.artifacts import read_json, write_json
from include.storage.contract_lists import ContractLists
from include.storage.run_folder import RunFolder
from tests.mapping.documents import hit, stock, universe
from tests.steps.mapping_run import make_run

TEMPLATE = PROJECT / "docs" / "broker-template"
ACCOUNT = Account(account_id="toy-main", broker="toy", environment=Environment.SANDBOX)
APPLE = {
    "id": 77,
    "code": "AAPL",
    "title": "Apple Inc",
    "kind": "stock",
    "currency": "USD",
    "venue": "NASDAQ",
    "isin": "US0378331005",
    "step": "1",
    "tick": "0.01",
    "state": "open",
}
PAYLOAD = json.dumps({"assets": [APPLE, {**APPLE, "id": 78, "code": "OLD", "isin": None, "state": "closed"}]}).encode()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The template as broker `toy`, first among equals for US shares, in folders of its own."""
    package = shutil.copytree(TEMPLATE, tmp_path / "brokers" / "toy", ignore=shutil.ignore_patterns("__pycache__"))
    config = shutil.copytree(PROJECT / "include" / "config", tmp_path / "config")
    for path in package.iterdir():
        path.write_text(path.read_text().replace("template", "toy").replace("Template", "Toy"))
    (package / "broker.yaml").rename(config / "brokers" / "toy.yaml")
    (config / "preferences.yaml").write_text("rules: [{brokers: [[ibkr, toy]]}]\ncriteria: [cost]")
    monkeypatch.setattr(include.brokers, "__path__", [*include.brokers.__path__, str(tmp_path / "brokers")])
    monkeypatch.setenv("POLYBROKER_CONFIG_DIR", str(config))
    yield load_settings()
    for name in [name for name in sys.modules if name.startswith("include.brokers.toy")]:
        sys.modules.pop(name)


@pytest.fixture
def toy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    context = BrokerContext(credentials={"api_key": "k"}, config=settings.brokers["toy"])
    made = create_broker(ACCOUNT, context, settings.brokers)
    monkeypatch.setattr(made, "_get", {"/assets": PAYLOAD}.__getitem__)
    return made


def test_from_the_list_to_the_choice(settings: Settings, toy: Any, tmp_path: Path) -> None:
    run = make_run(tmp_path, brokers=("ibkr", "toy"))
    folder = RunFolder(run.folder)
    document = universe(stock("AAPL", name="Apple Inc", isin="US0378331005", instrument_id="isin:US0378331005", price=200.0))
    document["metadata"]["exchange_rates"] = {"rates": {"USD": {"rate": 1.25}}}
    write_json(folder.universe, document)
    wanted = wanted_instruments(document, [])
    with toy as opened:
        refresh_contracts(run, "toy", opened, wanted, ContractLists(tmp_path.as_uri()))
    answered = match_instruments(run, "toy", wanted, settings)
    write_json(folder.mapping("ibkr"), {"broker": "ibkr", "mappings": [hit("AAPL")]})
    delivered = [answered, {"broker": "ibkr", "uri": folder.mapping("ibkr")}]
    merged = merge_mappings(run, delivered, settings, declared_capabilities(settings.brokers, run.brokers))
    row = read_json(merged)["all_stocks"]["AAPL"]
    told = row["broker_mappings"]["toy"]
    assert (told["status"], told["native_id"], told["instrument"], told["mic"]) == ("matched", "77", 77, "XNAS")
    # 10,000 euro are 62.5 shares of 160 euro: 31 cents at IBKR, less than its minimum of a dollar, 0.8 euro; 1 bp is a euro.
    assert (row["best_broker"], row["broker_order"]) == ("ibkr", ["ibkr", "toy"])
    assert "by cost (ibkr 0.80 bp of 10000 EUR, toy 1.00 bp of 10000 EUR)" in row["preference_reason"]
    assert [Mapping.model_validate(m).search_method for m in read_json(answered["uri"])["mappings"]] == ["isin"]


def test_what_the_template_does_not_do_yet_it_says(settings: Settings, toy: Any) -> None:
    with pytest.raises(Unsupported, match="toy reads no accounts yet"):
        toy.snapshot("2026-11-20", None)
    for call in (toy.submit, toy.find_order, toy.cancel):
        with pytest.raises(Unsupported):
            call(None)
    assert toy.quotes([]) == {}
    toy.prove_environment()
    real = create_broker(ACCOUNT.model_copy(update={"environment": Environment.LIVE}), BrokerContext(), settings.brokers)
    with pytest.raises(AuthenticationFailed, match="nothing proves live"):
        real.prove_environment()
    with pytest.raises(AuthenticationFailed, match="no api_key"):
        real.connect()
    with pytest.raises(BrokerUnavailable, match="/assets was not asked for"):
        list(real.contracts(()))


@pytest.mark.parametrize("payload", [b"<html>", b"[]", b'{"assets": null}', b'{"assets": [3]}', b'{"assets": [{"id": 1}]}'])
def test_an_answer_that_makes_no_sense_is_no_empty_list(toy: Any, monkeypatch: pytest.MonkeyPatch, payload: bytes) -> None:
    monkeypatch.setattr(toy, "_get", lambda _: payload)
    with pytest.raises(BrokerUnavailable, match="listed something else than assets"):
        list(toy.contracts(()))


def test_an_empty_list_gives_no_batch(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy, "_get", lambda _: b'{"assets": []}')
    assert list(toy.contracts(())) == []
