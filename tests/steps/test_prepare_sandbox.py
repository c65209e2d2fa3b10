import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from include.brokers.environment import source_of
from include.domain.account import Environment
from include.domain.seen import Form
from include.errors import InputError
from include.sandbox.catalogue import read_catalogue
from include.sandbox.folder import token_of
from include.settings import Environ, Settings
from include.steps.prepare_sandbox import prepare_sandbox
from include.storage.contract_lists import ContractLists, write_contracts
from include.storage.database import Database
from include.storage.lookups import DatabaseLookupCache
from include.storage.seen_mappings import SeenMappings
from tests.screening.exports import export

DAY = date(2025, 9, 18)
FORM = {"broker": "ibkr", "instrument_id": "ticker:X", "ticker": "X", "name": "X", "handle": {"native_id": "1"}}
FORM |= {"price": None, "run_id": "first", "session": "2025-09-18"}
SAP = "SAP.DE,DE0007164600,EUR,SAP SE,Technology,Germany,150,181.3,5.00%,16 Sep 2025"
APPLE = "AAPL,US0378331005,USD,Apple Inc,Technology,United States,200,230.5,9.09%,16 Sep 2025"
TOYOTA = "7203.T,JP3633400001,JPY,Toyota Motor,Automobiles,Japan,2500,2811,-1.25%,15 Sep 2025"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(Environ(data_uri=(tmp_path / "data").as_uri(), sandbox_dir=tmp_path / "sandbox"))


@pytest.fixture
def screens(tmp_path: Path) -> str:
    quarters = [(f"{year} Q{quarter}", f"{year % 5}.50%") for year in range(2015, 2025) for quarter in (1, 2, 3, 4)]
    return str(export(tmp_path / "screens", rows=(APPLE, TOYOTA, SAP), quarters=quarters))


def test_the_venues_list_the_screens_at_their_prices(settings: Settings, database: Database, screens: str) -> None:
    summary = prepare_sandbox(settings, database, screens, None, DAY)
    listed = {listing.symbol: listing for listing in read_catalogue(summary.path, "ibkr") if listing.asset_class == "stock"}
    assert {symbol: listing.price for symbol, listing in listed.items()} == {
        "AAPL": Decimal("230.5"),
        "7203": Decimal("2811.0"),
        "SAP": Decimal("181.3"),
    }
    assert listed["7203"].price_time == datetime(2025, 9, 18, 21, 0, tzinfo=UTC)
    cfds = [listing.symbol for listing in read_catalogue(summary.path, "ibkr") if listing.asset_class == "cfd"]
    assert cfds == ["AAPL", "IBUS500", "IBDE40", "XAUUSD"]
    assert [listing.symbol for listing in read_catalogue(summary.path, "alpaca")] == ["AAPL"]
    assert summary.listings["alpaca"] == (1, 1)
    assert summary.holes == ()


def test_new_accounts_hold_what_a_first_run_will_spend(settings: Settings, database: Database, screens: str) -> None:
    prepare_sandbox(settings, database, screens, None, DAY)
    cash = json.loads((settings.environ.sandbox_dir / "cash.json").read_text())
    # three names capped at 10 % each, times 98 %: 166,600 EUR of 1,700,000 and 2 % to spare, the rest stays in euro
    assert Decimal(cash["ibkr"]["EUR"]) > Decimal(1_300_000)
    yen = Decimal(cash["ibkr"]["JPY"]) / Decimal("173.5")
    dollars = Decimal(cash["alpaca"]["USD"]) / Decimal("1.18")
    assert yen == pytest.approx(Decimal(169_932), rel=Decimal("0.02"))
    assert dollars == pytest.approx(Decimal(169_932), rel=Decimal("0.02"))


def test_money_of_accounts_that_exist_is_left_alone(settings: Settings, database: Database, screens: str) -> None:
    settings.environ.sandbox_dir.mkdir()
    path = settings.environ.sandbox_dir / "cash.json"
    path.write_text('{"ibkr": {"EUR": "5"}, "alpaca": {"USD": "6"}}', encoding="utf-8")
    prepare_sandbox(settings, database, screens, None, DAY)
    assert path.read_text(encoding="utf-8") == '{"ibkr": {"EUR": "5"}, "alpaca": {"USD": "6"}}'


@pytest.mark.parametrize(("orders", "anew"), [([], True), ([{"quantity": "1"}], False)])
def test_accounts_made_for_other_screens_start_anew_until_one_has_traded(
    settings: Settings, database: Database, screens: str, orders: list[object], anew: bool
) -> None:
    folder = settings.environ.sandbox_dir
    prepare_sandbox(settings, database, screens, None, DAY)
    told = json.loads((folder / "cash.json").read_text())
    (folder / "cash.json").write_text(json.dumps(told | {"made_for": "synthetic"}), encoding="utf-8")
    state = folder / "ibkr.state.json"
    state.write_text(json.dumps({"engine": {"orders": orders, "positions": []}}), encoding="utf-8")
    prepare_sandbox(settings, database, screens, None, DAY)
    assert json.loads((folder / "cash.json").read_text())["made_for"] == (screens if anew else "synthetic")
    assert state.exists() is not anew


def test_the_same_screens_give_the_same_catalogue(settings: Settings, database: Database, screens: str) -> None:
    first = read_catalogue(prepare_sandbox(settings, database, screens, None, DAY).path, "ibkr")
    assert read_catalogue(prepare_sandbox(settings, database, screens, None, DAY).path, "ibkr") == first


def test_screens_that_cannot_be_read_leave_nothing_behind(settings: Settings, database: Database, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a folder of screen exports"):
        prepare_sandbox(settings, database, str(tmp_path / "nowhere"), None, DAY)
    assert not settings.environ.sandbox_dir.exists()


def test_real_lists_are_priced_from_the_export(settings: Settings, database: Database, shared_data: Path) -> None:
    summary = prepare_sandbox(settings, database, str(shared_data / "uncle_stock"), shared_data, DAY)
    assert summary.listings["ibkr"][0] > 18_900
    assert summary.listings["alpaca"][0] > 11_000
    assert 425 <= summary.listings["ibkr"][1] <= 475
    assert 70 <= summary.listings["alpaca"][1] <= 80


def test_what_was_kept_of_the_venues_is_forgotten_when_they_list_other_things(
    settings: Settings, database: Database, screens: str, tmp_path: Path
) -> None:
    prepare_sandbox(settings, database, screens, None, DAY)
    source = source_of("ibkr", Environment.SANDBOX, token_of(settings.environ.sandbox_dir))
    cache, now = DatabaseLookupCache(database), datetime(2025, 9, 18, 22, 0, tzinfo=UTC)
    lists = ContractLists(settings.environ.data_uri)
    cache.put(source, {"isin=X": []}, now, datetime(2025, 9, 30, tzinfo=UTC))
    write_contracts(lists.uri(source, now), [], {}, allow_empty=True)
    seen = SeenMappings(database)
    seen.record(source, [Form(**FORM, source=source)], [], trades=True)
    prepare_sandbox(settings, database, screens, None, date(2025, 9, 19))  # another day's marks: the same contracts
    assert len(seen.seen(source)) == 1
    assert cache.get(source, ["isin=X"], now) == {"isin=X": []}
    other = export(tmp_path / "other", rows=(APPLE, SAP))
    prepare_sandbox(settings, database, str(other), None, DAY)
    assert cache.get(source, ["isin=X"], now) == {}
    assert lists.newest(source, now, timedelta(days=1)) is None
    assert seen.seen(source) == []  # ids made up anew are no changed mappings


def test_also_what_paper_kept_and_when_the_catalogue_is_gone(settings: Settings, database: Database, screens: str) -> None:
    path = prepare_sandbox(settings, database, screens, None, DAY).path
    source = source_of("alpaca", Environment.SANDBOX, token_of(settings.environ.sandbox_dir))
    now, lists = datetime(2025, 9, 18, 22, 0, tzinfo=UTC), ContractLists(settings.environ.data_uri)
    for name in (source, f"paper-{source}"):
        write_contracts(lists.uri(name, now), [], {}, allow_empty=True)
    path.unlink()
    prepare_sandbox(settings, database, screens, None, DAY)
    assert [lists.newest(name, now, timedelta(days=1)) for name in (source, f"paper-{source}")] == [None, None]
