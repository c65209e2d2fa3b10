from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from include.allocation.rates import ECB_FILE_VARIABLE
from include.domain.quote import Quote
from include.domain.run import Run, ScreenSource
from include.errors import AuthenticationFailed, BrokerUnavailable, InputError, PolybrokerError
from include.steps.convert_currency import convert_currency
from include.storage.artifacts import read_bytes, read_json, write_json
from include.storage.run_folder import RunFolder
from tests.allocation.documents import AS_OF, portfolio, run, stock, universe
from tests.allocation.fakes import MemoryBroker


@pytest.fixture(autouse=True)
def ecb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "eurofxref.csv"
    path.write_text("Date,USD,JPY,CHF\n2026-03-04,1.25,160,0.95\n", encoding="utf-8")
    monkeypatch.setenv(ECB_FILE_VARIABLE, str(path))
    return path


def prepared(one: Run) -> Run:
    document = universe(a=[stock("AAA", price=5.0), stock("6095.T", price=800.0)], b=[stock("SAP.DE", price=200.0)])
    write_json(RunFolder(one.folder).stage("optimize_screens"), document)
    return one


def rates(uri: str) -> dict[str, dict[str, object]]:
    return read_json(uri)["metadata"]["exchange_rates"]["rates"]


def quote(mid: str, time: datetime = datetime(2026, 3, 4, 21, 0, tzinfo=UTC)) -> Quote:
    return Quote(native_id=mid, currency="USD", bid=Decimal(mid), ask=Decimal(mid), time=time)


def test_ecb_rates_and_euro_prices(tmp_path: Path) -> None:
    one = prepared(run(tmp_path))
    found = read_json(convert_currency(one))
    exchange = found["metadata"]["exchange_rates"]
    assert (exchange["base"], exchange["needed"], exchange["notes"]) == ("EUR", ["EUR", "JPY", "USD"], [])
    assert exchange["rates"]["USD"] == {"rate": 1.25, "source": "ECB", "date": "2026-03-04", "age_days": 0}
    assert exchange["rates"]["EUR"] == {"rate": 1.0, "source": "base", "date": "2026-03-04", "age_days": 0}
    assert "CHF" in exchange["rates"]  # an account may be in it
    assert {t: s["eur_price"] for t, s in found["all_stocks"].items()} == {"AAA": 4.0, "6095.T": 5.0, "SAP.DE": 200.0}
    assert [s["eur_exchange_rate"] for s in found["screens"]["a"]["stocks"]] == [1.25, 160.0]


def test_clearing_gives_the_same_bytes(tmp_path: Path) -> None:
    one = prepared(run(tmp_path))
    first = read_bytes(convert_currency(one))
    assert read_bytes(convert_currency(one)) == first


def test_a_brokers_middle_price_comes_first(tmp_path: Path) -> None:
    one = prepared(run(tmp_path))
    broker = MemoryBroker(quotes={"USD": quote("1.26"), "JPY": quote("161"), "CHF": quote("0.9")})
    found = rates(convert_currency(one, broker))
    assert found["USD"] == {"rate": 1.26, "source": "memory", "date": "2026-03-04", "age_days": 0}
    assert found["JPY"]["rate"] == 161.0
    assert found["CHF"]["source"] == "ECB"  # nobody needs it, nobody asked
    assert broker.asked == [("EUR", ("JPY", "USD"))]


def test_quotes_written_down_once_are_kept(tmp_path: Path) -> None:
    one = prepared(run(tmp_path))
    first = read_bytes(convert_currency(one, MemoryBroker(quotes={"USD": quote("1.26"), "JPY": quote("161")})))
    moved = MemoryBroker(quotes={"USD": quote("1.30"), "JPY": quote("170")})
    assert read_bytes(convert_currency(one, moved)) == first
    assert moved.asked == []


def test_a_portfolios_base_currency_is_needed_too(tmp_path: Path) -> None:
    one = prepared(run(tmp_path, portfolio(base_currency="CHF")))
    assert "CHF" in read_json(convert_currency(one))["metadata"]["exchange_rates"]["needed"]


@pytest.mark.parametrize("fields", [{"is_newest": False}, {"is_backfill": True}])
def test_a_run_that_is_not_the_newest_asks_nobody(tmp_path: Path, fields: dict[str, bool]) -> None:
    one = prepared(run(tmp_path, **fields))
    broker = MemoryBroker(quotes={"USD": quote("1.26"), "JPY": quote("161")})
    assert rates(convert_currency(one, broker))["USD"]["source"] == "ECB"
    assert broker.asked == []


@pytest.mark.parametrize("error", [None, BrokerUnavailable("no answer"), AuthenticationFailed("wrong key")])
def test_a_broker_that_does_not_answer_falls_back_and_says_so(tmp_path: Path, error: PolybrokerError | None) -> None:
    one = prepared(run(tmp_path))
    found = read_json(convert_currency(one, MemoryBroker(error=error)))["metadata"]["exchange_rates"]
    assert found["rates"]["USD"]["source"] == "ECB"
    expected = error or "memory quotes no currency pairs"
    assert found["notes"] == [f"memory: {expected}; ECB rates instead"]


def test_quotes_that_are_missing_or_wrong_fall_back_one_by_one(tmp_path: Path) -> None:
    one = prepared(run(tmp_path))
    found = read_json(convert_currency(one, MemoryBroker(quotes={"USD": quote("0.8")})))["metadata"]["exchange_rates"]
    assert found["rates"]["USD"]["rate"] == 1.25
    assert found["notes"] == [
        "JPY: memory has no quote; ECB rate instead",
        "USD: memory quotes 0.8, more than 20 % away from the reference rate 1.25; ECB rate instead",
    ]


def test_a_broker_serves_what_the_ecb_does_not_have(tmp_path: Path) -> None:
    one = run(tmp_path)
    write_json(RunFolder(one.folder).stage("optimize_screens"), universe(a=[stock("AAA", currency="XAF", price=655.957)]))
    with pytest.raises(InputError, match=r"as of 2026-03-04, field 'XAF': expected an ECB rate for XAF"):
        convert_currency(one)
    found = read_json(convert_currency(one, MemoryBroker(quotes={"XAF": quote("655.957")})))
    assert found["all_stocks"]["AAA"]["eur_price"] == 1.0


def test_an_over_aged_rate_is_never_used(tmp_path: Path, ecb: Path) -> None:
    ecb.write_text("Date,XAF\n2026-02-24,655.957\n", encoding="utf-8")
    one = run(tmp_path)
    write_json(RunFolder(one.folder).stage("optimize_screens"), universe(a=[stock("AAA", currency="XAF", price=655.957)]))
    with pytest.raises(
        InputError, match=r"expected a rate for XAF at most 7 days before 2026-03-04: the newest is of 2026-02-24"
    ):
        convert_currency(one)
    older = run(tmp_path, options={"max_rate_age_days": 8})
    assert rates(convert_currency(older))["XAF"]["age_days"] == 8


def pair(ticker: str, currency: str) -> dict[str, object]:
    return stock(ticker, currency=currency, asset_class="crypto", market="CRYPTO")


def with_screen(one: Run, *stocks: dict[str, object]) -> Run:
    """The step before, and the rows as step 1 left them."""
    source = ScreenSource(key="a", name="a", kind="uncle_stock", dated=AS_OF, screen_uri="memory:a", sha256="0" * 64)
    write_json(RunFolder(one.folder).stage("optimize_screens"), universe(a=[dict(row) for row in stocks]))
    rows = [
        {"sector": "", "country": "", "asset_class": "stock", "line": line, **row} for line, row in enumerate(stocks, start=5)
    ]
    screen = {"key": "a", "name": "a", "kind": "uncle_stock", "dated": "2026-03-04", "synthetic": False, "file": "a.csv"}
    write_json(RunFolder(one.folder).screen("a"), {**screen, "rows": rows, "rejected": [], "history": {}})
    return one.model_copy(update={"screens": (source,)})


def test_a_pair_in_what_has_no_rate_is_rejected_and_never_valued_as_another_currency(tmp_path: Path) -> None:
    one = with_screen(run(tmp_path), stock("AAA", price=5.0), pair("BTC-USD", "USD"), pair("BTCUSDT", "USDT"))
    found = read_json(convert_currency(one))
    assert sorted(found["all_stocks"]) == ["AAA", "BTC-USD"]
    assert [row["ticker"] for row in found["screens"]["a"]["stocks"]] == ["AAA", "BTC-USD"]
    assert found["screens"]["a"]["count"] == 2
    assert found["metadata"]["exchange_rates"]["needed"] == ["EUR", "USD"]
    assert found["rejected"] == [
        {
            "file": "a.csv",
            "line": 7,
            "ticker": "BTCUSDT",
            "field": "currency",
            "value": "USDT",
            "reason": "expected a pair in a currency with an exchange rate: nothing tells what USDT is worth",
        }
    ]
    assert (found["metadata"]["total_stocks"], found["metadata"]["unique_stocks"], found["metadata"]["rejected_rows"]) == (
        2,
        2,
        1,
    )


def test_a_broker_may_tell_what_a_stablecoin_is_worth(tmp_path: Path) -> None:
    one = with_screen(run(tmp_path), stock("AAA", price=5.0), pair("BTCUSDT", "USDT"))
    found = read_json(convert_currency(one, MemoryBroker(quotes={"USDT": quote("1.24")})))
    assert found["all_stocks"]["BTCUSDT"]["eur_exchange_rate"] == 1.24
    assert found["rejected"] == []


def test_shares_without_a_rate_still_stop_the_run(tmp_path: Path) -> None:
    one = with_screen(run(tmp_path), stock("AAA", currency="USDT"), pair("BTCUSDT", "USDT"))
    with pytest.raises(InputError, match="expected an ECB rate for USDT"):
        convert_currency(one)


def test_a_screen_of_nothing_but_pairs_without_a_rate_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected at least one row that can be valued: .* what USDT is worth"):
        convert_currency(with_screen(run(tmp_path), pair("BTCUSDT", "USDT")))
