from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from include.brokers.base import Broker, Capabilities
from include.domain.account import Account
from include.errors import BrokerUnavailable, InputError
from include.settings import load_settings
from include.steps.probe_broker import probe_broker
from include.steps.probed_accounts import probed_accounts
from include.storage.capability_log import CapabilityLog
from include.storage.database import Database
from include.storage.journal import Journal
from include.storage.shared_states import DatabaseSharedState
from tests.fakes.broker import FakeBroker, FakeVenue
from tests.fakes.orders import make_account, make_order

NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)


@pytest.fixture
def venue() -> FakeVenue:
    venue = FakeVenue()
    venue.prices["101"] = D(10)
    venue.opening = {"101": D(5), "102": D(3)}
    return venue


class Told(FakeBroker):
    """Its broker tells that it trades no shares in this account."""

    def discover(self) -> Capabilities:
        return self.capabilities.without({"stock": "blocked"})


def probe(venue: FakeVenue, database: Database, kind: type[FakeBroker] = FakeBroker) -> dict[str, object]:
    @contextmanager
    def opened(account: Account) -> Iterator[Broker]:
        with kind(venue, account) as broker:
            yield broker

    return probe_broker(make_account(), opened, database, NOON, 2.0)


def test_an_account_that_never_traded_is_read(venue: FakeVenue, database: Database) -> None:
    found = probe(venue, database)
    assert (found["account"], found["positions"], found["quoted"]) == ("fake-main", 2, None)
    assert str(found["source"]).startswith("fake-sbx")


def test_one_quote_is_asked_for_what_it_traded_last(venue: FakeVenue, database: Database) -> None:
    Journal(database).register([make_order()], NOON)
    assert probe(venue, database)["quoted"] == "101"
    venue.prices.clear()  # its market is closed
    assert probe(venue, database)["quoted"] is None
    assert venue.submits == 0


def test_a_broker_that_is_away_says_so(venue: FakeVenue, database: Database) -> None:
    venue.away = True
    with pytest.raises(BrokerUnavailable):
        probe(venue, database)


def kept(database: Database, source: object) -> object:
    return DatabaseSharedState(database).read(f"clock:{source}")


def test_a_broker_that_does_not_tell_its_time_is_no_fault(venue: FakeVenue, database: Database) -> None:
    found = probe(venue, database)
    assert found["clock_skew_seconds"] is None
    assert kept(database, found["source"]) is None


def test_how_far_the_clocks_are_apart_is_kept(venue: FakeVenue, database: Database) -> None:
    venue.clock_skew = timedelta(seconds=-2)
    found = probe(venue, database)
    assert found["clock_skew_seconds"] == -2.0
    expected = {"seconds": -2.0, "allowed_seconds": 2.0, "at": "2026-01-06T12:00:00+00:00"}
    assert kept(database, found["source"]) == expected


def test_clocks_that_are_too_far_apart_are_said_and_kept(venue: FakeVenue, database: Database) -> None:
    source = probe(venue, database)["source"]
    venue.clock_skew = timedelta(seconds=2.1)
    with pytest.raises(InputError, match=r"its clock is 2\.1 s ahead of this machine's, more than 2 s: check the time sync"):
        probe(venue, database)
    state = kept(database, source)
    assert isinstance(state, dict)
    assert state["seconds"] == 2.1


def test_accounts_of_active_brokers_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVE_BROKERS", "alpaca,paper")
    assert probed_accounts(load_settings()) == ["alpaca-main", "paper-shadow"]


def test_what_the_account_can_do_is_kept(venue: FakeVenue, database: Database, caplog: pytest.LogCaptureFixture) -> None:
    assert probe(venue, database)["why_not"] == {}
    assert CapabilityLog(database).discoveries()["fake-main"].why_not == {}
    assert not caplog.records
    assert probe(venue, database, Told)["why_not"] == {"stock": "blocked"}
    kept = CapabilityLog(database).discoveries()["fake-main"]
    assert (kept.broker, kept.seen_at, kept.why_not) == (make_account().broker, NOON, {"stock": "blocked"})
    assert "capabilities.discovered" in caplog.text
    venue.away = True
    with pytest.raises(BrokerUnavailable):
        probe(venue, database)
    assert CapabilityLog(database).discoveries()["fake-main"] == kept  # what could not be read says nothing
