from datetime import UTC, datetime, timedelta
from decimal import Decimal

from include.domain.account import AccountSnapshot, Environment, Position
from include.storage.database import Database
from include.storage.snapshots import SnapshotStore

MORNING = datetime(2026, 1, 5, 22, 0, tzinfo=UTC)


def snapshot(session: str = "2026-01-05", equity: str = "1000.00", **changes: object) -> AccountSnapshot:
    made = AccountSnapshot(
        account_id="a",
        broker="fake",
        environment=Environment.SANDBOX,
        currency="EUR",
        equity=Decimal(equity),
        settled_cash={"EUR": Decimal("12.50"), "JPY": Decimal("-3")},
        positions=(Position(native_id="1", symbol="S", currency="EUR", quantity=Decimal("-0.5")),),
        taken_at=MORNING,
        session=session,
    )
    return made.model_copy(update=changes)


def test_a_snapshot_comes_back_as_it_was(database: Database) -> None:
    store = SnapshotStore(database)
    assert store.save(snapshot(), "run") == snapshot()
    assert store.of_run("a", "2026-01-05", "run") == snapshot()
    assert store.of_run("a", "2026-01-05", "other") is None


def test_the_first_of_a_run_stays(database: Database) -> None:
    store = SnapshotStore(database)
    store.save(snapshot(equity="1000.00"), "run")
    assert store.save(snapshot(equity="2000.00"), "run").equity == 1000
    assert store.latest("a", "2026-01-05", "2026-01-05") == snapshot(equity="1000.00")


def test_the_newest_within_the_allowed_sessions(database: Database) -> None:
    store = SnapshotStore(database)
    for session, equity in (("2026-01-02", "1"), ("2026-01-05", "2"), ("2026-01-06", "3")):
        store.save(snapshot(session, equity), "run")
    store.save(snapshot("2026-01-05", "4", taken_at=MORNING + timedelta(hours=1)), "second run")
    store.save(snapshot("2026-01-05", "9", account_id="b"), "run")

    def equity_of(first: str, last: str) -> Decimal | None:
        found = store.latest("a", first, last)
        return found.equity if found else None

    assert equity_of("2026-01-02", "2026-01-05") == 4
    assert equity_of("2026-01-02", "2026-01-09") == 3
    assert equity_of("2026-01-02", "2026-01-04") == 1
    assert equity_of("2026-01-07", "2026-01-09") is None


def test_a_stand_in_is_never_kept(database: Database) -> None:
    store = SnapshotStore(database)
    frozen = snapshot(frozen=True, frozen_reason="down")
    assert store.save(frozen, "run") is frozen
    assert store.latest("a", "2026-01-01", "2026-12-31") is None
