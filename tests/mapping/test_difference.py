from decimal import Decimal
from typing import Any

import pytest

from include.domain.contract import Contract
from include.domain.mapping import Mapping, MappingStatus
from include.domain.seen import Change, Seen, SeenPrice, Waiting
from include.mapping.difference import Difference, Verdict, differences, handle_of
from tests.mapping.build import contract

APPLE = "isin:US0378331005"
FIELDS = {
    "native_id": "265598",
    "symbol": "AAPL",
    "currency": "USD",
    "mic": "XNYS",
    "asset_class": "stock",
    "lot_size": "1",
    "tick_size": "0.01",
    "multiplier": "1",
    "price_magnifier": "1",
}


def mapped(found: Contract | None, ticker: str = "AAPL", instrument_id: str = APPLE, status: str = "matched") -> Mapping:
    state = MappingStatus(status)
    return Mapping(broker="ibkr", ticker=ticker, instrument_id=instrument_id, status=state, contract=found, reason="why")


def at(session: str, amount: str = "200", currency: str = "USD") -> SeenPrice:
    return SeenPrice(amount=Decimal(amount), currency=currency, session=session)


def seen(ticker: str = "AAPL", instrument_id: str = APPLE, **changes: Any) -> Seen:
    values: dict[str, Any] = {
        "source": "ibkr-paper",
        "broker": "ibkr",
        "instrument_id": instrument_id,
        "ticker": ticker,
        "name": "APPLE INC",
        "handle": FIELDS,
        "price": at("2026-11-19"),
        "run_id": "first",
        "session": "2026-11-19",
        "first_run_id": "first",
        "first_session": "2026-11-19",
    }
    return Seen(**{**values, **changes})


def compare(
    *mappings: Mapping,
    before: tuple[Seen, ...] = (),
    waiting: tuple[Waiting, ...] = (),
    price: SeenPrice | None = None,
    **run: str,
) -> list[Difference]:
    told = {"run_id": "second", "session": "2026-11-20", **run}
    prices = {mapping.ticker: price for mapping in mappings if price}
    return differences(mappings, prices, before, waiting, max_ratio=Decimal(3), **told)  # type: ignore[arg-type]


def test_numbers_are_compared_as_numbers() -> None:
    plain = contract("265598", "AAPL", lot_size=Decimal("1.00"), tick_size=Decimal("0.010"), multiplier=Decimal("1E+2"))
    assert handle_of(plain) == {**FIELDS, "multiplier": "100"}


def test_what_was_never_seen_is_new_and_not_held() -> None:
    (found,) = compare(mapped(contract("265598", "AAPL")))
    assert (found.verdict, found.before, found.changes) == (Verdict.NEW, None, ())


def test_what_is_as_it_was_seen() -> None:
    (found,) = compare(mapped(contract("265598", "AAPL")), before=(seen(),), price=at("2026-11-20", "210"))
    assert (found.verdict, found.before, found.changes) == (Verdict.SAME, seen(), ())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"native_id": "999"}, ("native_id", "265598", "999")),
        ({"symbol": "APPL"}, ("symbol", "AAPL", "APPL")),
        ({"currency": "EUR"}, ("currency", "USD", "EUR")),
        ({"mic": "XFRA"}, ("mic", "XNYS", "XFRA")),
        ({"asset_class": "etf"}, ("asset_class", "stock", "etf")),
        ({"lot_size": Decimal(100)}, ("lot_size", "1", "100")),
        ({"tick_size": Decimal("0.05")}, ("tick_size", "0.01", "0.05")),
        ({"multiplier": Decimal(10)}, ("multiplier", "1", "10")),
        ({"price_magnifier": Decimal(100)}, ("price_magnifier", "1", "100")),
    ],
)
def test_every_part_of_the_handle_is_a_change(changes: dict[str, Any], expected: tuple[str, str, str]) -> None:
    today = contract(**{"native_id": "265598", "symbol": "AAPL", **changes})
    (found,) = compare(mapped(today), before=(seen(),))
    assert found.verdict is Verdict.CHANGED
    assert found.changes == (Change(field=expected[0], before=expected[1], after=expected[2]),)


@pytest.mark.parametrize("changes", [{"name": "Apple Incorporated"}, {"mic": ""}, {"isin": "US0378331005"}])
def test_what_makes_no_order_different_is_no_change(changes: dict[str, Any]) -> None:
    (found,) = compare(mapped(contract(**{"native_id": "265598", "symbol": "AAPL", **changes})), before=(seen(),))
    assert found.verdict is Verdict.SAME


def test_a_market_that_the_broker_did_not_tell_before_is_no_change() -> None:
    (found,) = compare(mapped(contract("265598", "AAPL")), before=(seen(handle={**FIELDS, "mic": ""}),))
    assert found.verdict is Verdict.SAME


@pytest.mark.parametrize(
    ("after", "expected"),
    [("600", []), ("600.01", ["600.01 USD"]), ("66.67", []), ("66.66", ["66.66 USD"]), ("0", [])],
)
def test_an_implausible_price_is_a_change(after: str, expected: list[str]) -> None:
    (found,) = compare(mapped(contract("265598", "AAPL")), before=(seen(),), price=at("2026-11-20", after))
    assert [(change.field, change.before, change.after) for change in found.changes] == [("price", "200", a) for a in expected]


def test_prices_in_two_currencies_are_not_compared() -> None:
    (found,) = compare(mapped(contract("265598", "AAPL")), before=(seen(),), price=at("2026-11-20", "30000", "JPY"))
    assert found.verdict is Verdict.SAME


def test_a_cleared_task_compares_with_the_session_before_and_not_with_itself() -> None:
    after_itself = seen(price=at("2026-11-20", "900"), previous=at("2026-11-19"))
    (found,) = compare(mapped(contract("265598", "AAPL")), before=(after_itself,), price=at("2026-11-20", "900"))
    assert [change.field for change in found.changes] == ["price"]
    own = seen(first_run_id="second", first_session="2026-11-20", run_id="second", session="2026-11-20")
    assert compare(mapped(contract("265598", "AAPL")), before=(own,))[0].verdict is Verdict.NEW


def test_what_this_run_found_first_and_is_another_thing_now_is_held() -> None:
    own = seen(first_run_id="second", first_session="2026-11-20", run_id="second", session="2026-11-20")
    assert compare(mapped(contract("999", "AAPL")), before=(own,))[0].verdict is Verdict.CHANGED


def test_an_older_session_is_not_held_by_what_was_accepted_since() -> None:
    accepted = seen(session="2026-11-23", run_id="later", seen_by="somebody")
    (found,) = compare(mapped(contract("999", "AAPL")), before=(accepted,))
    assert (found.verdict, found.changes) == (Verdict.SAME, ())
    (found,) = compare(mapped(contract("999", "AAPL")), before=(accepted,), run_id="first")
    assert found.verdict is Verdict.NEW
    (found,) = compare(mapped(contract("999", "AAPL")), before=(seen(first_session="2026-11-23", session="2026-11-23"),))
    assert found.verdict is Verdict.NEW


def test_what_has_no_contract_any_more_is_gone_unless_nobody_could_be_asked() -> None:
    gone = mapped(None, status="not_found")
    assert [(one.verdict, one.before) for one in compare(gone, before=(seen(),))] == [(Verdict.GONE, seen())]
    assert compare(gone) == []
    assert compare(mapped(None, status="unavailable"), before=(seen(),)) == []


def test_a_renamed_ticker_and_an_identity_that_became_known_are_compared_with_what_they_were() -> None:
    renamed = mapped(contract("265598", "APPL"), ticker="APPL")
    assert [change.field for change in compare(renamed, before=(seen(),))[0].changes] == ["symbol"]
    for key in ("ticker:AAPL", "figi:BBG001S5N8V8"):
        unsure = seen(instrument_id=key)
        assert [change.field for change in compare(mapped(contract("9", "AAPL")), before=(unsure,))[0].changes] == ["native_id"]


def test_another_instrument_under_an_old_ticker_is_new() -> None:
    other = mapped(contract("9", "AAPL"), instrument_id="isin:US5949181045")
    assert compare(other, before=(seen(),))[0].verdict is Verdict.NEW


def test_two_listings_of_one_instrument_are_two_mappings() -> None:
    frankfurt = mapped(contract("9", "APC", mic="XFRA", currency="EUR"), ticker="APC.DE")
    verdicts = [one.verdict for one in compare(mapped(contract("265598", "AAPL")), frankfurt, before=(seen(),))]
    assert verdicts == [Verdict.SAME, Verdict.NEW]


def waits(ticker: str = "AAPL", instrument_id: str = "ticker:AAPL", session: str = "2026-11-19", **changes: Any) -> Waiting:
    """265598 became 999 while Apple's ISIN was not known."""
    values: dict[str, Any] = {name: getattr(seen(ticker, instrument_id), name) for name in Waiting.model_fields if name in FORM}
    values |= {"handle": FIELDS | {"native_id": "999"}, "name_before": "APPLE INC", "session": session}
    values["changes"] = (Change(field="native_id", before="265598", after="999"),)
    return Waiting(**{**values, **changes})


FORM = set(Seen.model_fields) - {"previous", "first_run_id", "first_session", "seen_by"}
ANOTHERS = seen("APC.DE", APPLE, handle=FIELDS | {"native_id": "999"})


@pytest.mark.parametrize("before", [(), (seen(instrument_id="ticker:AAPL"),), (ANOTHERS,)])
def test_what_waits_under_a_former_key_is_what_an_instrument_is_compared_with(before: tuple[Seen, ...]) -> None:
    (found,) = compare(mapped(contract("999", "AAPL")), before=before, waiting=(waits(),))
    assert (found.verdict, found.changes) == (Verdict.CHANGED, (Change(field="native_id", before="265598", after="999"),))
    (back,) = compare(mapped(contract("265598", "AAPL")), before=before, waiting=(waits(),))
    assert back.verdict is Verdict.SAME
    (gone,) = compare(mapped(None), before=before, waiting=(waits(),))
    assert gone.verdict is Verdict.GONE


def test_a_price_that_waits_is_compared_with_the_one_before_it() -> None:
    jumped = (Change(field="price", before="200", after="20000 USD"),)
    due = waits(handle=FIELDS, price=at("2026-11-19", "20000"), changes=jumped)
    (found,) = compare(mapped(contract("265598", "AAPL")), waiting=(due,), price=at("2026-11-20", "20100"))
    assert found.changes == (Change(field="price", before="200", after="20100 USD"),)
    (back,) = compare(mapped(contract("265598", "AAPL")), waiting=(due,), price=at("2026-11-20", "210"))
    assert back.verdict is Verdict.SAME


def test_what_waits_for_others_or_later_or_under_its_own_key_does_not_count() -> None:
    own = mapped(contract("999", "AAPL"))
    others = (waits("IBM", "ticker:IBM"), waits(instrument_id="isin:US9999999999"), waits(session="2026-11-21"))
    assert compare(own, waiting=others)[0].verdict is Verdict.NEW
    standing = seen(handle=FIELDS | {"native_id": "999"}, seen_by="somebody")
    assert compare(own, before=(standing,), waiting=(waits(instrument_id=APPLE),))[0].verdict is Verdict.SAME
