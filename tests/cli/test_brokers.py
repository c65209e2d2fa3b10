"""`polybroker brokers`."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.capabilities import document
from include.settings import PROJECT
from include.storage.capability_log import CapabilityLog
from include.storage.database import open_database
from tests.cli.conftest import Polybroker


@pytest.fixture(autouse=True)
def own_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYBROKER_DATABASE_URL", f"sqlite:///{tmp_path / 'own.db'}")


def test_the_matrix_as_a_table(polybroker: Polybroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    text = polybroker("brokers", "matrix").text
    assert "order types" in text
    assert "knows isin" in text
    assert "without an adapter, or with one that cannot be imported: binance, coinbase, crypto_com, oanda, zerodha" in text
    assert "changed since" not in text


def test_the_matrix_as_a_document(polybroker: Polybroker) -> None:
    document = json.loads(polybroker("brokers", "matrix", "--json").text)
    assert list(document["brokers"]) == ["alpaca", "ibkr", "paper"]
    assert document["brokers"]["alpaca"]["lists_all"] is True
    assert document["without_adapter"] == ["binance", "coinbase", "crypto_com", "oanda", "zerodha"]


def test_a_change_is_told_once_and_kept(polybroker: Polybroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    polybroker("brokers", "matrix")
    assert "no capability has changed" in polybroker("brokers", "changes").text
    able = AlpacaBroker.capabilities
    monkeypatch.setattr(AlpacaBroker, "capabilities", replace(able, fractional=not able.fractional))
    assert "changed since the last look: alpaca;" in polybroker("brokers", "matrix").text
    assert "changed since" not in polybroker("brokers", "matrix").text
    text = polybroker("brokers", "changes").text
    assert "alpaca.capabilities.changed" in text
    assert "fractional" in text


def test_what_accounts_cannot_do_stands_below(polybroker: Polybroker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert "no account was asked yet" in polybroker("brokers", "matrix").text
    able, at = AlpacaBroker.capabilities, datetime(2026, 1, 5, 22, 0, tzinfo=UTC)
    found = document(able.without({"crypto": "not activated"}))
    with open_database(f"sqlite:///{tmp_path / 'own.db'}") as database:
        CapabilityLog(database).discovered("alpaca-main", "alpaca", found, document(able), at)
        CapabilityLog(database).discovered("alpaca-two", "alpaca", document(able), document(able), at)
    text = polybroker("brokers", "matrix").text
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "alpaca-" in line]
    assert cells == [
        ["alpaca-main", "2026-01-05 22:00", "crypto", "yes", "no: not activated"],
        ["alpaca-two", "2026-01-05 22:00", "everything that is declared", "", ""],
    ]
    told = json.loads(polybroker("brokers", "matrix", "--json").text)["discovered"]["alpaca-main"]
    assert (told["seen_at"], told["capabilities"]["why_not"]) == ("2026-01-05T22:00:00Z", {"crypto": "not activated"})
    assert "alpaca.capabilities.discovered alpaca-main" in polybroker("brokers", "changes").text


def test_an_adapter_that_cannot_be_imported_says_why(
    polybroker: Polybroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(PROJECT / "include" / "config", tmp_path / "config"))
    yaml = folder / "brokers" / "alpaca.yaml"
    yaml.write_text(yaml.read_text(encoding="utf-8").replace("adapter:AlpacaBroker", "adapter:AlpacaBrokr"), encoding="utf-8")
    monkeypatch.setenv("POLYBROKER_CONFIG_DIR", str(folder))
    lines = polybroker("brokers", "matrix").text.splitlines()
    assert [
        line for line in lines if line.startswith("alpaca: brokers/alpaca.yaml, field 'adapter': expected 'package.module:Class'")
    ]
    assert not [line for line in lines if line.startswith("binance:")]
