from datetime import UTC, datetime, timedelta

import pytest

from include.errors import InputError
from include.settings.files import version_of
from include.storage.config_versions import ConfigVersion, ConfigVersions
from include.storage.database import Database

NOW = datetime(2026, 1, 5, 22, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
OLD = {"polybroker.yaml": "options: {} # größer\n".encode(), "brokers/a.yaml": b"port: ${PORT:1}\n"}
NEW = {"polybroker.yaml": b"options: { top_n: 5 }\n"}


def test_every_version_is_kept_whole_under_its_hash(database: Database) -> None:
    versions = ConfigVersions(database)
    assert versions.history() == []
    assert versions.record(OLD, "run-1", NOW) == version_of(OLD)
    versions.record(NEW, "run-2", LATER)
    assert versions.files(version_of(OLD)) == OLD
    assert versions.files(version_of(NEW)[:9]) == NEW
    assert [one.last_used_by for one in versions.history()] == ["run-2", "run-1"]


def test_a_version_used_again_is_no_other_one(database: Database) -> None:
    versions = ConfigVersions(database)
    versions.record(OLD, "run-1", NOW)
    versions.record(OLD, "run-3", LATER)
    expected = ConfigVersion(sha256=version_of(OLD), first_used_at=NOW, last_used_at=LATER, last_used_by="run-3")
    assert versions.history() == [expected]


@pytest.mark.parametrize("version", ["", "%", "_", "nothing", version_of(OLD) + "0"])
def test_a_version_nobody_knows(database: Database, version: str) -> None:
    versions = ConfigVersions(database)
    versions.record(OLD, "run-1", NOW)
    versions.record(NEW, "run-1", NOW)
    with pytest.raises(InputError, match="field 'sha256': expected "):
        versions.files(version)


def test_a_file_with_a_secret_is_not_kept(database: Database) -> None:
    versions = ConfigVersions(database)
    with pytest.raises(InputError):
        versions.record({"brokers/a.yaml": b"credentials: { key: CANARY/4711 }"}, "run-1", NOW)
    assert versions.history() == []
