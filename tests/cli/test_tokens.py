"""`polybroker tokens`."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from include.domain.token import Token
from include.storage.database import open_database, upgrade
from include.storage.tokens import TokenStore, cipher
from tests.cli.conftest import Polybroker

NOW = datetime(2026, 1, 5, 22, 0, tzinfo=UTC)


def test_tokens_are_listed_and_rotated_and_never_shown(
    polybroker: Polybroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'own.db'}"
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    monkeypatch.setenv("POLYBROKER_DATABASE_URL", url)
    monkeypatch.setenv("POLYBROKER_FERNET_KEY", old)
    upgrade(url)
    assert polybroker("tokens", "list").text == "there is none\n"
    with open_database(url) as database:
        kept = TokenStore(database, cipher({"POLYBROKER_FERNET_KEY": old}))
        kept.put("toy:a:access", Token(value=SecretStr("CANARY"), expires_at=NOW), NOW)
        kept.put("toy:a:refresh", Token(value=SecretStr("CANARY")), NOW)
    monkeypatch.delenv("POLYBROKER_FERNET_KEY")
    monkeypatch.delenv("AIRFLOW__CORE__FERNET_KEY", raising=False)
    assert polybroker("tokens", "list").text == (  # names need no key
        "toy:a:access: expires 2026-01-05 22:00 UTC\ntoy:a:refresh: does not tell when it expires\n"
    )
    monkeypatch.setenv("POLYBROKER_FERNET_KEY", f"{new},{old}")
    assert polybroker("tokens", "rotate").text == "2 tokens encrypted with the first key\n"
    with open_database(url) as database:
        found = TokenStore(database, cipher({"POLYBROKER_FERNET_KEY": new})).get("toy:a:access")
    assert found is not None
    assert found.value.get_secret_value() == "CANARY"
