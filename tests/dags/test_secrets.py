"""A DAG run with marked keys, and adapters that say too much: nothing shows in what Airflow or the project keeps."""

import json
import logging

import pytest

from include.errors import AuthenticationFailed
from tests.airflow_home import HOME
from tests.dags.world import World, WorldBroker
from tests.leaks import collected_logs, leaks

SECRETS = [f"CANARY-{field}" for field in ("login", "password", "extra", "environment")]
log = logging.getLogger(__name__)


class Talkative(WorldBroker):
    """Logs what it was given, and quotes its keys in errors as client libraries do."""

    def connect(self) -> None:
        keys = self.context.credentials
        log.warning("opened with %s and %r", keys, self.context)
        if self.name == "alpaca":
            assert dict(keys) == {"api_key": SECRETS[0], "secret_key": SECRETS[1], "pin": SECRETS[2]}
            super().connect()
            return
        assert dict(keys) == {"api_key": SECRETS[3]}
        try:
            raise ValueError({"header": keys["api_key"]})
        except ValueError as error:
            raise AuthenticationFailed(f"refused {keys['api_key']}", context={"sent": keys["api_key"]}) from error


def test_nothing_of_the_keys_is_left_behind(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for broker in ("alpaca", "ibkr"):
        path = world.folder / "config" / "brokers" / f"{broker}.yaml"
        path.write_text("adapter: tests.dags.test_secrets:Talkative\ncredentials: { api_key: TALKATIVE_API_KEY }\n")
    connection = {"conn_type": "http", "login": SECRETS[0], "password": SECRETS[1], "extra": {"pin": SECRETS[2]}}
    monkeypatch.setenv("AIRFLOW_CONN_POLYBROKER_ALPACA", json.dumps(connection))
    monkeypatch.setenv("TALKATIVE_API_KEY", SECRETS[3])
    with collected_logs() as logged:
        outcome = world.run()
    printed = capfd.readouterr()
    assert outcome.tasks["fetch_accounts[alpaca-main]"] == "success"
    assert outcome.tasks["fetch_accounts[ibkr-main]"] == "failed"
    assert "opened with Keys(api_key=***" in "".join(logged)
    assert (outcome.folder / "run.json").exists()
    words = [*logged, printed.out, printed.err, repr(outcome)]
    assert leaks(SECRETS, world.folder, words) == []
    assert leaks(SECRETS, HOME, []) == []
