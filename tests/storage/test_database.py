import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.exc import StatementError

from include.errors import InputError, Transient
from include.storage.database import is_new_file, open_database, revisions, upgrade
from include.storage.tables import adoptions, metadata, paper_accounts


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def test_upgrade_makes_the_folder_and_every_table(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "new" / "folder" / "a.db")
    assert upgrade(url) == "0006"
    with open_database(url) as database, database.read() as connection:
        tables = set(inspect(connection).get_table_names())
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
    assert tables == {
        "adoptions",
        "alembic_version",
        "approvals",
        "broker_events",
        "call_counts",
        "capabilities_seen",
        "config_versions",
        "fills",
        "leases",
        "lookups",
        "order_events",
        "orders",
        "paper_accounts",
        "paper_rows",
        "plans",
        "seen_mappings",
        "shared_states",
        "snapshots",
        "tokens",
        "waiting_mappings",
    }


def test_migrations_and_tables_agree(url: str) -> None:
    upgrade(url)
    with open_database(url) as database, database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_upgrade_again_changes_nothing(url: str) -> None:
    upgrade(url)
    with open_database(url) as database, database.write() as connection:
        connection.execute(paper_accounts.insert().values(account_id="a", version=1, state={"cash": "1"}))
    upgrade(url)
    with open_database(url) as database, database.read() as connection:
        assert connection.execute(select(paper_accounts.c.state)).scalar_one() == {"cash": "1"}


def test_upgrade_works_from_any_working_directory(tmp_path: Path) -> None:
    code = f"from include.storage.database import upgrade; print(upgrade({sqlite_url(tmp_path / 'a.db')!r}))"
    root = str(Path(__file__).resolve().parents[2])
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "0006\n"


def test_a_missing_database_is_not_made_by_opening_it(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with pytest.raises(InputError, match=r"a\.db: expected the database to exist; run `polybroker db upgrade`"):
        open_database(sqlite_url(path))
    assert not path.exists()


def test_a_database_without_our_tables(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "a.db").close()
    (tmp_path / "a.db").touch()
    with pytest.raises(InputError, match=r"a\.db: .*run `polybroker db upgrade`"):
        open_database(sqlite_url(tmp_path / "a.db"))


def set_version(url: str, version: str) -> None:
    with open_database(url) as database, database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})


def test_a_newer_database_is_refused(url: str) -> None:
    upgrade(url)
    set_version(url, "9999")
    with pytest.raises(InputError, match=r"newer version of the project.*'9999'"):
        open_database(url)
    with pytest.raises(InputError, match=r"newer version of the project.*'9999'"):
        upgrade(url)


def test_an_older_database_wants_an_upgrade(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade(url)
    known = revisions()
    monkeypatch.setattr("include.storage.database.revisions", lambda: [*known, "9998"])
    with pytest.raises(InputError, match=r"expected schema version 9998; run `polybroker db upgrade` \(found '0006'\)"):
        open_database(url)


def test_revisions_are_a_line() -> None:
    assert revisions() == ["0001", "0002", "0003", "0004", "0005", "0006"]


def test_a_locked_database_is_transient(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "a.db")
    upgrade(url)
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with open_database(url, busy_timeout_seconds=0.01) as database:
        with pytest.raises(Transient, match=r"a\.db is locked by another process"), database.write():
            pytest.fail("the lock was not respected")
        with database.read() as connection:  # WAL: readers go on
            assert connection.execute(text("SELECT 1")).scalar() == 1
        with pytest.raises(Transient, match="locked"):
            upgrade(url, busy_timeout_seconds=0.01)
        other.execute("ROLLBACK")
        with database.write() as connection:
            connection.execute(paper_accounts.insert().values(account_id="a", version=1, state={}))
    other.close()


def test_an_error_inside_a_write_leaves_nothing(url: str) -> None:
    upgrade(url)
    with open_database(url) as database:
        with pytest.raises(KeyError), database.write() as connection:  # noqa: PT012
            connection.execute(paper_accounts.insert().values(account_id="a", version=1, state={}))
            raise KeyError("half-way")
        with database.read() as connection:
            assert connection.execute(select(paper_accounts)).all() == []


def test_only_a_write_that_says_so_does_not_wait_for_the_disk(url: str) -> None:
    upgrade(url)
    asked = text("PRAGMA synchronous" if url.startswith("sqlite") else "SHOW synchronous_commit")
    lazy, waits = (1, 2) if url.startswith("sqlite") else ("off", "on")
    with open_database(url) as database:
        told = []
        for flush in (True, False, True):
            with database.write(flush=flush) as connection:
                told.append(connection.execute(asked).scalar())
    assert told == [waits, lazy, waits]


def test_what_did_not_wait_is_seen_at_once(url: str) -> None:
    upgrade(url)
    row = {"account_id": "a", "version": 1, "state": {}}
    with open_database(url) as database, open_database(url) as other:
        with database.write(flush=False) as connection:
            assert database.insert_new(connection, paper_accounts, row)
        with other.read() as connection:
            assert connection.execute(select(paper_accounts.c.version)).scalar() == 1


def test_a_read_changes_nothing(url: str) -> None:
    upgrade(url)
    with open_database(url) as database:
        with database.read() as connection:
            connection.execute(paper_accounts.insert().values(account_id="a", version=1, state={}))
        with database.read() as connection:
            assert connection.execute(select(paper_accounts)).all() == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("not a url", "expected a database URL"),
        ("nosuchdatabase:///x", "expected a database URL"),
        ("mysql://u:p@localhost/x", "expected sqlite or postgresql"),
        ("sqlite://", "expected a file"),
        ("sqlite:///:memory:", "expected a file"),
    ],
)
def test_urls_nobody_can_use(url: str, words: str) -> None:
    with pytest.raises(InputError, match=f"POLYBROKER_DATABASE_URL: {words}"):
        open_database(url)
    with pytest.raises(InputError, match=words):
        upgrade(url)
    with pytest.raises(InputError, match=words):
        is_new_file(url)


def test_only_a_file_that_is_not_there_is_new(tmp_path: Path) -> None:
    assert is_new_file(f"sqlite:///{tmp_path}/x.db")
    (tmp_path / "x.db").write_text("")
    assert not is_new_file(f"sqlite:///{tmp_path}/x.db")
    assert not is_new_file("postgresql://localhost/x")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("ticker,price\n" * 100)
    with pytest.raises(InputError, match=r"a\.db: expected a SQLite database"):
        open_database(sqlite_url(tmp_path / "a.db"))


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="expected a folder that can be made"):
        upgrade(sqlite_url(tmp_path / "file" / "a.db"))


def test_a_folder_in_place_of_the_database(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="readable and writable database file"):
        upgrade(sqlite_url(tmp_path))


def test_an_unreachable_server_is_transient() -> None:
    url = "postgresql://nobody:geheim@127.0.0.1:1/none?connect_timeout=2"
    with pytest.raises(Transient, match="did not answer") as error:
        open_database(url)
    assert "geheim" not in str(error.value)


def test_the_password_is_never_in_a_name(tmp_path: Path) -> None:
    upgrade(sqlite_url(tmp_path / "a.db"))
    with open_database(sqlite_url(tmp_path / "a.db")) as database:
        assert database.name.endswith("/a.db")


def test_a_forked_process_takes_a_connection_of_its_own(tmp_path: Path) -> None:
    code = f"""
import os
from include.storage.database import open_database, upgrade
from include.storage.tables import paper_accounts
url = {sqlite_url(tmp_path / "a.db")!r}
upgrade(url)
database = open_database(url)
for account in ("parent", "child"):
    pid = os.fork() if account == "child" else None
    if pid:
        os.waitpid(pid, 0)
        break
    with database.write() as connection:
        connection.execute(paper_accounts.insert().values(account_id=account, version=os.getpid(), state={{}}))
else:
    os._exit(0)
with database.read() as connection:
    print(*connection.execute(paper_accounts.select().order_by("account_id").with_only_columns(paper_accounts.c.account_id)).scalars())
"""
    answer = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "child parent\n"


def test_numbers_and_times_come_back_exactly(url: str) -> None:
    tokyo = timezone(timedelta(hours=9))
    row = {
        "portfolio": "main",
        "account": "a",
        "native_id": "1",
        "ticker": "T",
        "instrument_id": "ticker:T",
        "contract": {"ä": None, "n": 1},
        "quantity": Decimal("0.10000000000000000001"),
        "adopted_at": datetime(2026, 1, 6, 9, 30, 0, 123456, tzinfo=tokyo),
        "note": "",
    }
    upgrade(url)
    with open_database(url) as database:
        with database.write() as connection:
            connection.execute(adoptions.insert().values(**row))
        with database.read() as connection:
            found = connection.execute(select(adoptions)).one()
        assert str(found.quantity) == "0.10000000000000000001"
        assert found.adopted_at == datetime(2026, 1, 6, 0, 30, 0, 123456, tzinfo=UTC)
        assert found.adopted_at.tzinfo is UTC
        assert found.contract == {"ä": None, "n": 1}


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), datetime(2026, 1, 6, 9, 30)])  # noqa: DTZ001
def test_values_nobody_could_read_back_are_refused(tmp_path: Path, value: Decimal | datetime) -> None:
    url = sqlite_url(tmp_path / "a.db")
    column = adoptions.c.quantity if isinstance(value, Decimal) else adoptions.c.adopted_at
    upgrade(url)
    with open_database(url) as database, pytest.raises(StatementError), database.read() as connection:
        connection.execute(select(adoptions).where(column == value))


def test_a_broken_file_is_named_by_upgrade_too(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("ticker,price\n" * 100)
    with pytest.raises(InputError, match=r"a\.db: expected a SQLite database"):
        upgrade(sqlite_url(tmp_path / "a.db"))


def test_a_database_of_somebody_else(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE plans (x integer)"))
    engine.dispose()
    with pytest.raises(InputError, match="expected an empty database, or one of this project: .*plans.*already exists"):
        upgrade(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["plans"]  # nothing was left half-way
    engine.dispose()
