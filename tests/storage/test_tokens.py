from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import select, update

from include.domain.token import Token
from include.errors import InputError, Transient
from include.storage.database import Database
from include.storage.tables import tokens
from include.storage.tokens import TokenStore, cipher, token_names, token_store

NOW = datetime(2026, 1, 5, 22, 0, tzinfo=UTC)
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
TOKEN = Token(value=SecretStr("CANARY-4711"), expires_at=NOW + timedelta(hours=1))


def store(database: Database, *keys: str) -> TokenStore:
    return TokenStore(database, cipher({"POLYBROKER_FERNET_KEY": ",".join(keys)}))


def test_what_is_put_is_got_and_replaced(database: Database) -> None:
    kept = store(database, OLD)
    assert kept.get("toy:a:access") is None
    kept.put("toy:a:access", TOKEN, NOW)
    assert kept.get("toy:a:access") == TOKEN
    newer = Token(value=SecretStr("größer"))
    kept.put("toy:a:access", newer, NOW)
    assert kept.get("toy:a:access") == newer
    assert token_names(database) == {"toy:a:access": None}
    assert kept.forget("toy:a:access")
    assert not kept.forget("toy:a:access")
    assert kept.get("toy:a:access") is None


def test_a_refresh_token_is_kept_along_and_is_as_secret(database: Database, tmp_path: Path) -> None:
    kept = store(database, OLD)
    both = TOKEN.model_copy(update={"refresh": SecretStr("CANARY-refresh")})
    kept.put("toy", both, NOW)
    assert kept.get("toy") == both
    assert store(database, NEW, OLD).rotate() == 1
    assert store(database, NEW).get("toy") == both
    assert all(b"CANARY" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert "CANARY" not in f"{both!r} {both} {both.model_dump_json()}"


def test_a_row_of_the_time_before_refresh_tokens(database: Database) -> None:
    kept = store(database, OLD)
    kept.put("toy", TOKEN, NOW)
    with database.write() as connection:
        connection.execute(update(tokens).values(secret=Fernet(OLD).encrypt(b'["toy", "CANARY-4711"]')))
    assert kept.get("toy") == TOKEN


def test_nobody_reads_it_in_the_database_its_file_or_a_repr(database: Database, tmp_path: Path) -> None:
    store(database, OLD).put("toy", TOKEN, NOW)
    with database.read() as connection:
        assert b"CANARY" not in connection.execute(select(tokens.c.secret)).scalar_one()
    assert all(b"CANARY" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert "CANARY" not in f"{TOKEN!r} {TOKEN} {TOKEN.model_dump_json()}"


def test_keys_are_rotated(database: Database) -> None:
    store(database, OLD).put("a", TOKEN, NOW)
    store(database, OLD).put("b", TOKEN, NOW)
    both = store(database, NEW, OLD)
    assert both.get("a") == TOKEN
    assert both.rotate() == 2
    assert store(database, NEW).get("a") == TOKEN
    with pytest.raises(InputError, match="field 'a': expected the key that this token was encrypted with"):
        store(database, OLD).get("a")


def test_a_rotation_that_cannot_be_done_changes_nothing(database: Database) -> None:
    store(database, OLD).put("a", TOKEN, NOW)
    store(database, NEW).put("b", TOKEN, NOW)
    third = Fernet.generate_key().decode()
    with pytest.raises(InputError, match="field 'b'"):
        store(database, third, OLD).rotate()
    assert store(database, OLD).get("a") == TOKEN
    assert store(database, NEW).get("b") == TOKEN


def test_a_row_that_was_copied_is_not_anothers_token(database: Database) -> None:
    kept = store(database, OLD)
    kept.put("a", TOKEN, NOW)
    kept.put("b", TOKEN, NOW)
    with database.write() as connection:
        secret = connection.execute(select(tokens.c.secret).where(tokens.c.name == "a")).scalar_one()
        connection.execute(update(tokens).where(tokens.c.name == "b").values(secret=secret))
    with pytest.raises(InputError, match="expected the token of b, found another's"):
        kept.get("b")


@pytest.mark.parametrize("environ", [{}, {"POLYBROKER_FERNET_KEY": " , "}, {"AIRFLOW__CORE__FERNET_KEY": ""}])
def test_without_a_key_there_are_no_tokens(environ: dict[str, str]) -> None:
    with pytest.raises(InputError, match="expected POLYBROKER_FERNET_KEY or AIRFLOW__CORE__FERNET_KEY to be set"):
        cipher(environ)


def test_a_key_that_is_none_is_not_quoted_and_the_own_one_wins() -> None:
    with pytest.raises(InputError, match="^POLYBROKER_FERNET_KEY: expected Fernet keys") as caught:
        cipher({"POLYBROKER_FERNET_KEY": f"{OLD},CANARY", "AIRFLOW__CORE__FERNET_KEY": OLD})
    assert "CANARY" not in str(caught.value)
    assert caught.value.__suppress_context__
    sealed = cipher({"AIRFLOW__CORE__FERNET_KEY": OLD}).encrypt(b"x")
    assert Fernet(OLD).decrypt(sealed) == b"x"


def test_without_a_key_there_is_no_store(database: Database) -> None:
    assert token_store(database, {"POLYBROKER_FERNET_KEY": " ", "AIRFLOW__CORE__FERNET_KEY": ""}) is None
    kept = token_store(database, {"POLYBROKER_FERNET_KEY": ",", "AIRFLOW__CORE__FERNET_KEY": OLD})
    assert kept is not None
    kept.put("a", TOKEN, NOW)
    assert store(database, OLD).get("a") == TOKEN
    with pytest.raises(InputError, match="expected Fernet keys"):
        token_store(database, {"POLYBROKER_FERNET_KEY": "no key"})


def test_what_ended_a_season_ago_goes_when_another_comes(database: Database) -> None:
    kept = store(database, OLD)
    kept.put("ended", TOKEN, NOW)
    kept.put("endless", Token(value=SecretStr("x")), NOW)
    kept.put("b", TOKEN, NOW + timedelta(days=90, hours=1))
    assert list(token_names(database)) == ["b", "ended", "endless"]
    kept.put("b", Token(value=SecretStr("y")), NOW + timedelta(days=90, hours=1, seconds=1))
    assert list(token_names(database)) == ["b", "endless"]


def test_one_at_a_time_asks_for_a_token(database: Database) -> None:
    kept = store(database, OLD)
    with kept.turn("a"), kept.turn("b"):
        pass
    held = pytest.raises(Transient, match="'token:a' is held by")
    with kept.turn("a"), held, store(database, OLD).turn("a", wait_seconds=0):
        pass
    with kept.turn("a"):
        pass
