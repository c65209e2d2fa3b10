from datetime import UTC, datetime, timedelta

import pytest

from include.errors import InputError
from include.storage.approvals import Approval, ApprovalStore
from include.storage.database import Database

NOON = datetime(2026, 1, 6, 12, 0, tzinfo=UTC)
DIGEST = "ab" * 32


def test_exactly_these_orders_of_this_run(database: Database) -> None:
    store = ApprovalStore(database)
    assert not store.approved("run", DIGEST)
    store.record("run", DIGEST, "Approve", "anna", NOON, ["coverage 80 %"])
    assert store.approved("run", DIGEST)
    assert not store.approved("run", "cd" * 32)
    assert not store.approved("other", DIGEST)
    assert store.find("run", DIGEST) == Approval("run", DIGEST, "approve", "anna", NOON, ("coverage 80 %",))
    assert store.find("other", DIGEST) is None


def test_the_later_answer_counts(database: Database) -> None:
    store = ApprovalStore(database)
    store.record("run", DIGEST, "approve", "anna", NOON, [])
    store.record("run", DIGEST, "Reject", "ben", NOON + timedelta(minutes=1), [])
    assert not store.approved("run", DIGEST)
    store.record("run", DIGEST, "approve", "late message", NOON, [])
    assert not store.approved("run", DIGEST)
    store.record("run", DIGEST, "approve", "anna", NOON + timedelta(minutes=2), [])
    assert store.approved("run", DIGEST)


def test_another_word_is_no_decision(database: Database) -> None:
    store = ApprovalStore(database)
    with pytest.raises(InputError, match=r"approval of run run, field 'decision': expected approve or reject \(found 'maybe'\)"):
        store.record("run", DIGEST, "maybe", "anna", NOON, [])
    assert not store.approved("run", DIGEST)
