from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.domain.portfolio import UnreachablePolicy
from include.domain.run import Run
from include.errors import InputError
from include.steps.fetch_accounts import read_snapshot
from include.steps.set_targets import set_targets
from include.steps.size_positions import previous_session, size_positions
from include.storage.artifacts import read_bytes, read_json, write_json
from include.storage.run_folder import RunFolder
from tests.allocation.documents import MARKETS, portfolio, run, snapshot, stock, universe
from tests.allocation.fakes import MemorySnapshots

RATES = {"EUR": {"rate": 1.0}, "USD": {"rate": 1.25}, "JPY": {"rate": 160.0}}
OPEN = {"cash_buffer_pct": Decimal(0), "max_weight_pct": Decimal(100)}


def prepared(one: Run, *accounts: Any, **changes: Any) -> Run:
    """AAA 75 %, 6095.T 25 % before cap and buffer, then one account file per snapshot."""
    stocks = [
        stock("AAA", price=25.0, price_180d_change="2%"),
        stock("6095.T", price=2000.0, price_180d_change="1%"),
        stock("SAP.DE", price=100.0, price_180d_change="0%"),
    ]
    document = universe(a=[s | changes.get(s["ticker"], {}) for s in stocks])
    document["metadata"]["portfolio_optimization"] = {"optimal_allocations": {"a": 1.0}}
    document["metadata"]["exchange_rates"] = {"base": "EUR", "rates": RATES}
    folder = RunFolder(one.folder)
    write_json(folder.stage("convert_currency"), document)
    set_targets(one)
    for account in accounts:
        write_json(folder.account(account.account_id), account)
    return one


def options() -> dict[str, Any]:
    return {"options": {"top_n": 2, "first_weight_pct": 3.0, "last_weight_pct": 1.0}}


def test_sizes_by_hand(tmp_path: Path) -> None:
    two = portfolio(accounts=("one", "two"), **OPEN)
    one = prepared(run(tmp_path, two, **options()), snapshot("one", "4000"), snapshot("two", "5000", "USD"))
    uri = size_positions(one, MemorySnapshots(), MARKETS)
    folder = RunFolder(one.folder)
    assert uri == folder.universe
    sizes = read_json(folder.sizes("main"))
    # 4,000 EUR and 5,000 USD at 1.25 are 8,000 EUR: 6,000 for AAA (7,500 USD at 25), 2,000 for Tokyo (320,000 JPY, lot 200,000).
    assert (sizes["nav"], sizes["nav_by_account"]) == ("8000.00", {"one": "4000.00", "two": "4000.00"})
    assert (sizes["plan_only"], sizes["plan_only_reason"], sizes["frozen_accounts"]) == (False, None, [])
    assert sizes["positions"] == {
        "6095.T": {
            "target_weight": "0.25",
            "target_value": "2000.00",
            "price": "2000.0",
            "currency": "JPY",
            "fx_rate": "160",
            "lot_size": "100",
            "quantity": "100",
            "unreachable_weight": "0.093750000000",
            "reachable_nav": "10000.00",
        },
        "AAA": {
            "target_weight": "0.75",
            "target_value": "6000.00",
            "price": "25.0",
            "currency": "USD",
            "fx_rate": "1.25",
            "lot_size": "1",
            "quantity": "300",
            "unreachable_weight": "0.000000000000",
            "reachable_nav": None,
        },
    }
    assert [(row["ticker"], row["kind"], row["wanted_weight"]) for row in sizes["unreachable"]] == [("6095.T", "partly", "0.25")]
    assert sizes["cash_weight"] == "0.093750000000"  # 750 of 8,000

    document = read_json(uri)
    assert document["account_total_value"] == {"value": 8000.0, "currency": "EUR", "timestamp": "2026-03-04 21:30:00"}
    assert document["metadata"]["portfolios"]["main"]["nav"] == 8000.0
    shown = {t: (s["target_value_eur"], s["quantity"]) for t, s in document["all_stocks"].items()}
    assert shown == {"AAA": (6000.0, 300), "6095.T": (2000.0, 100), "SAP.DE": (0.0, 0)}
    assert [s["quantity"] for s in document["screens"]["a"]["stocks"]] == [300, 100, 0]


def test_clearing_gives_the_same_bytes(tmp_path: Path) -> None:
    one = prepared(run(tmp_path, portfolio(**OPEN), **options()), snapshot())
    sizes = RunFolder(one.folder).sizes("main")
    first = [read_bytes(size_positions(one, MemorySnapshots(), MARKETS)), read_bytes(sizes)]
    assert [read_bytes(size_positions(one, MemorySnapshots(), MARKETS)), read_bytes(sizes)] == first


def test_every_portfolio_has_its_own_limits_and_base_currency(tmp_path: Path) -> None:
    first = portfolio("first", **OPEN)
    second = portfolio("second", ("two",), base_currency="USD", cash_buffer_pct=Decimal(20), max_weight_pct=Decimal(50))
    one = prepared(run(tmp_path, first, second, **options()), snapshot("one", "8000"), snapshot("two", "8000"))
    document = read_json(size_positions(one, MemorySnapshots(), MARKETS))
    sizes = read_json(RunFolder(one.folder).sizes("second"))
    assert (sizes["nav"], sizes["base_currency"]) == ("10000.00", "USD")
    # Half each under the cap, times 0.8: 4,000 USD.
    assert {t: (p["target_weight"], p["target_value"], p["fx_rate"]) for t, p in sizes["positions"].items()} == {
        "AAA": ("0.4", "4000.00", "1"),
        "6095.T": ("0.4", "4000.00", "128"),
    }
    assert document["all_stocks"]["AAA"]["quantity"] == 300  # the first one's: 6,000 EUR
    assert list(document["metadata"]["portfolios"]) == ["first", "second"]


def test_a_base_currency_other_than_the_euro_is_shown_in_euro(tmp_path: Path) -> None:
    one = prepared(run(tmp_path, portfolio(base_currency="USD", **OPEN), **options()), snapshot("one", "8000"))
    document = read_json(size_positions(one, MemorySnapshots(), MARKETS))
    assert document["all_stocks"]["AAA"]["target_value_eur"] == 6000.0
    assert document["account_total_value"]["value"] == 10000.0
    assert document["account_total_value"]["currency"] == "USD"


def test_an_account_that_was_not_read_counts_with_its_last_snapshot(tmp_path: Path) -> None:
    one = prepared(run(tmp_path, portfolio(**OPEN), **options()))
    size_positions(one, MemorySnapshots(snapshot(equity="8000", session="2026-03-03")), MARKETS)
    sizes = read_json(RunFolder(one.folder).sizes("main"))
    assert (sizes["nav"], sizes["plan_only"], sizes["frozen_accounts"]) == ("8000.00", False, ["one"])
    written = read_snapshot(RunFolder(one.folder).account("one"))
    assert written.frozen
    assert written.frozen_reason == "the account could not be read; its snapshot of session 2026-03-03 stands in"
    assert written.session == "2026-03-03"


def test_a_snapshot_two_sessions_old_does_not_count(tmp_path: Path) -> None:
    one = prepared(run(tmp_path, portfolio(accounts=("one", "two"), **OPEN), **options()), snapshot("two", "8000"))
    size_positions(one, MemorySnapshots(snapshot(session="2026-03-02")), MARKETS)
    sizes = read_json(RunFolder(one.folder).sizes("main"))
    assert sizes["plan_only"] is True
    assert sizes["plan_only_reason"] == "no snapshot of one from this session or the one before"
    assert sizes["nav_by_account"] == {"one": None, "two": "8000.00"}
    assert not (tmp_path / "accounts" / "one.json").exists()


def test_the_session_before_skips_weekends_and_holidays(tmp_path: Path) -> None:
    assert previous_session(run(tmp_path, as_of=date(2026, 3, 9))) == "2026-03-06"
    assert previous_session(run(tmp_path, as_of=date(2026, 7, 6))) == "2026-07-02"  # the 3rd is Independence Day, observed
    assert previous_session(run(tmp_path, as_of=date(2026, 3, 8))) == "2026-03-06"  # a Sunday
    with pytest.raises(InputError, match=r"field 'reference_calendar': .*found 'MOON'"):
        previous_session(run(tmp_path, options={"reference_calendar": "MOON"}))


def test_an_empty_account_plans_only(tmp_path: Path) -> None:
    one = prepared(run(tmp_path, portfolio(**OPEN), **options()), snapshot("one", "0"))
    size_positions(one, MemorySnapshots(), MARKETS)
    sizes = read_json(RunFolder(one.folder).sizes("main"))
    assert (sizes["plan_only"], sizes["plan_only_reason"]) == (True, "net asset value is 0.00 EUR")
    assert {p["quantity"] for p in sizes["positions"].values()} == {"0"}
    assert sizes["cash_weight"] == "1"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (UnreachablePolicy.CASH, {"AAA": "0.75", "6095.T": "0.25"}),
        (UnreachablePolicy.NEXT_RANK, {"AAA": "0.75", "6095.T": "0", "SAP.DE": "0.25"}),
        (UnreachablePolicy.PRO_RATA, {"AAA": "1", "6095.T": "0"}),
    ],
)
def test_policies_move_what_no_lot_holds(tmp_path: Path, policy: UnreachablePolicy, expected: dict[str, str]) -> None:
    one = prepared(run(tmp_path, portfolio(unreachable_policy=policy, **OPEN), **options()), snapshot("one", "4000"))
    size_positions(one, MemorySnapshots(), MARKETS)
    sizes = read_json(RunFolder(one.folder).sizes("main"))
    assert {t: Decimal(p["target_weight"]) for t, p in sizes["positions"].items()} == {t: Decimal(w) for t, w in expected.items()}
    row = sizes["unreachable"][0]
    assert (row["ticker"], row["kind"], row["name"], row["reachable_nav"]) == ("6095.T", "nothing", "6095.T Corp", "5000.00")
    heir = next((t for t in ("SAP.DE", "AAA") if t in row["moved_to"]), None)
    assert heir == {"cash": None, "next_rank": "SAP.DE", "pro_rata": "AAA"}[policy.value]
    assert sizes["unreachable_policy"] == policy.value


def test_faults_are_named(tmp_path: Path) -> None:
    one = prepared(run(tmp_path, portfolio(**OPEN), **options()), snapshot("one", "8000", "CHF"))
    with pytest.raises(InputError, match="expected a rate for CHF, the currency of account one"):
        size_positions(one, MemorySnapshots(), MARKETS)
    prepared(one, snapshot(), **{"AAA": {"market": "MOON"}})
    with pytest.raises(InputError, match=r"set_targets\.json, field 'AAA\.market': expected a market .*found 'MOON'"):
        size_positions(one, MemorySnapshots(), MARKETS)
    prepared(one, snapshot(), **{"AAA": {"price": float(0)}})
    with pytest.raises(InputError, match=r"field 'AAA\.price': expected a positive number"):
        size_positions(one, MemorySnapshots(), MARKETS)
    assert not (tmp_path / "universe.json").exists()
