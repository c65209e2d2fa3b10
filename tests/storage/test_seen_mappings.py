from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from include.domain.seen import Change, Form, Seen, SeenPrice, Waiting
from include.storage.database import Database
from include.storage.seen_mappings import SeenMappings
from include.storage.tables import seen_mappings

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
OLD, NEW = {"native_id": "1"}, {"native_id": "2"}


def price(session: str, amount: str) -> SeenPrice:
    return SeenPrice(amount=Decimal(amount), currency="USD", session=session)


def form(session: str = "2026-11-19", amount: str = "200", ticker: str = "AAPL", **changes: Any) -> Form:
    values: dict[str, Any] = {
        "source": "ibkr-paper",
        "broker": "ibkr",
        "instrument_id": f"ticker:{ticker}",
        "ticker": ticker,
        "name": "APPLE INC",
        "handle": OLD,
        "price": price(session, amount),
        "run_id": f"run-{session}",
        "session": session,
    }
    return Form(**{**values, **changes})


def differing(session: str = "2026-11-20", **changes: Any) -> Waiting:
    told = Change(field="native_id", before="1", after="2")
    values = form(session, "210", **{"handle": NEW, **changes}).model_dump()
    return Waiting(**values, name_before="APPLE INC", changes=(told,))


def record(store: SeenMappings, *standing: Form, waiting: tuple[Waiting, ...] = (), trades: bool = True) -> None:
    store.record("ibkr-paper", standing, waiting, trades=trades)


def only(store: SeenMappings) -> Seen:
    (one,) = store.seen("ibkr-paper")
    return one


def prices(store: SeenMappings) -> tuple[str | None, str | None]:
    one = only(store)
    return (str(one.price.amount) if one.price else None, str(one.previous.amount) if one.previous else None)


def test_the_first_form_is_kept_and_nobody_had_to_see_it(database: Database) -> None:
    store = SeenMappings(database)
    assert store.seen("ibkr-paper") == []
    record(store, form(), trades=False)
    assert only(store) == Seen(**form().model_dump(), first_run_id="run-2026-11-19", first_session="2026-11-19")
    assert store.seen("ibkr-live") == []


def test_a_session_that_trades_moves_the_price_on_and_keeps_the_one_before(database: Database) -> None:
    store = SeenMappings(database)
    record(store, form())
    record(store, form("2026-11-20", "210"))
    assert prices(store) == ("210", "200")
    record(store, form("2026-11-20", "211"))  # cleared, or another run of the session
    assert prices(store) == ("211", "200")
    record(store, form("2026-11-19", "1"))  # an older run that is cleared
    assert prices(store) == ("211", "200")
    record(store, form("2026-11-23", "220"), trades=False)
    record(store, form("2026-11-23", "220", price=None))
    assert prices(store) == ("211", "200")
    assert (only(store).session, only(store).run_id) == ("2026-11-19", "run-2026-11-19")


def test_a_form_is_not_overwritten_by_one_that_differs(database: Database) -> None:
    store = SeenMappings(database)
    record(store, form())
    record(store, form("2026-11-20", "210", handle=NEW))  # two runs at once, each with its own first form
    record(store, waiting=(differing(),))
    assert (only(store).handle, prices(store)) == (OLD, ("200", None))
    assert store.waiting() == [differing()]


def test_what_is_as_it_was_seen_again_waits_no_longer(database: Database) -> None:
    store = SeenMappings(database)
    record(store, form())
    record(store, waiting=(differing("2026-11-20"),))
    record(store, form("2026-11-19"))  # an older run
    assert store.waiting() == [differing("2026-11-20")]
    record(store, form("2026-11-23"), trades=False)
    assert store.waiting() == []


def test_an_older_run_does_not_replace_what_waits(database: Database) -> None:
    store = SeenMappings(database)
    record(store, waiting=(differing("2026-11-23"),))
    record(store, waiting=(differing("2026-11-20"),))
    assert [one.session for one in store.waiting()] == ["2026-11-23"]


def test_a_cleared_run_does_not_bring_back_what_a_later_one_found_to_be_as_it_was(database: Database) -> None:
    store = SeenMappings(database)
    record(store, form())
    record(store, waiting=(differing("2026-11-20"),))
    record(store, form("2026-11-23"))
    record(store, waiting=(differing("2026-11-20"),))
    assert store.waiting() == []


def test_what_a_person_accepts_stands_with_their_name(database: Database) -> None:
    store = SeenMappings(database)
    record(store, form())
    record(store, form("2026-11-20", "205"))
    record(store, waiting=(differing("2026-11-23"),))
    assert store.accept(store.waiting(), "somebody", NOW) == [differing("2026-11-23")]
    one = only(store)
    assert (one.handle, one.seen_by, one.session, one.run_id) == (NEW, "somebody", "2026-11-23", "run-2026-11-23")
    assert (one.first_run_id, one.first_session) == ("run-2026-11-19", "2026-11-19")
    assert prices(store) == ("210", None)  # what was accepted is not compared with what it replaced
    assert store.waiting() == []
    with database.read() as connection:
        assert connection.execute(select(seen_mappings.c.seen_at)).scalar_one() == NOW
    record(store, form("2026-11-24", "215", handle=NEW))
    assert prices(store) == ("215", "210")


def test_only_the_very_form_that_was_shown_is_accepted(database: Database) -> None:
    store = SeenMappings(database)
    record(store, form())
    shown = differing("2026-11-20")
    record(store, waiting=(shown,))
    record(store, waiting=(differing("2026-11-23", handle={"native_id": "3"}),))
    assert store.accept([shown], "somebody", NOW) == []
    assert (only(store).handle, len(store.waiting())) == (OLD, 1)


def test_a_form_of_an_instrument_under_a_new_ticker_can_be_accepted(database: Database) -> None:
    store = SeenMappings(database)
    record(store, waiting=(differing(ticker="APPL"),))
    store.accept(store.waiting(), "somebody", NOW)
    assert (only(store).ticker, only(store).first_session) == ("APPL", "2026-11-20")


def test_only_the_very_form_that_was_read_is_withdrawn(database: Database) -> None:
    store = SeenMappings(database)
    old, other = differing(), differing(ticker="MSFT")
    record(store, form(), waiting=(old, other))
    store.withdraw([old])
    assert (store.waiting(), only(store).handle) == ([other], OLD)
    record(store, waiting=(newer := differing("2026-11-23", ticker="MSFT"),))
    store.withdraw([other])
    store.withdraw([])
    assert store.waiting() == [newer]


def test_forgetting_a_source_leaves_the_others(database: Database) -> None:
    store = SeenMappings(database)
    record(store, form(), waiting=(differing(ticker="MSFT"),))
    store.record("ibkr-live", [form(source="ibkr-live")], [], trades=True)
    store.forget("ibkr-paper")
    assert (store.seen("ibkr-paper"), store.waiting(), len(store.seen("ibkr-live"))) == ([], [], 1)
    store.forget("nobody")


def test_what_waits_is_in_order_of_broker_and_ticker(database: Database) -> None:
    store = SeenMappings(database)
    record(store, waiting=(differing(ticker="MSFT"), differing(ticker="AAPL")))
    other = differing(source="alpaca-paper", broker="alpaca", ticker="ZZZ")
    store.record("alpaca-paper", [], [other], trades=True)
    assert [(one.broker, one.ticker) for one in store.waiting()] == [("alpaca", "ZZZ"), ("ibkr", "AAPL"), ("ibkr", "MSFT")]
