"""Marked keys in every field, whole runs through the real client libraries, and a look at everything they leave."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from include.sandbox import control
from include.sandbox.folder import token_of
from tests.cli.conftest import Polybroker, Result
from tests.leaks import collected_logs, leaks, told

pytestmark = pytest.mark.xdist_group("cli")

OTHERS = {
    "OPENFIGI_API_KEY": "CANARY-openfigi",
    "POLYBROKER_FERNET_KEY": Fernet.generate_key().decode(),
    "ALPACA_SECRET_KEY__SECOND": "CANARY-second",
}
WRONG = {"ALPACA_API_KEY": "PKCANARYWRONG", "ALPACA_SECRET_KEY": "CANARY-wrong"}
UNSENDABLE = {
    "ALPACA_API_KEY": "PKCANARY\nSPLIT",
    "ALPACA_SECRET_KEY": "CANARY-\u20ac-unsendable",
}  # libraries quote what they refuse


@pytest.fixture(scope="module")
def keys(polybroker: Polybroker, project: Path, screens: Path) -> dict[str, str]:
    """The keys that the local venues accept."""
    assert polybroker("sandbox", "up", "--screens", screens).code == 0
    return {**control.up(project / "sandbox"), **OTHERS}


@pytest.mark.parametrize("given", [{}, WRONG, UNSENDABLE], ids=["right", "wrong", "unsendable"])
def test_a_run_shows_no_key_anywhere(
    polybroker: Polybroker,
    project: Path,
    screens: Path,
    keys: dict[str, str],
    given: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = keys | given
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with collected_logs() as logged:
        results = [polybroker("run", "--screens", screens, "--mode", "paper", "--first-funding", "--approve")]
        universe = project / "data" / "runs" / "latest" / "universe.json"
        results += [polybroker("map", "--universe", universe, "--brokers", "alpaca", "--out", project / "mapped.json")]
        results += [polybroker("config", "show"), polybroker("config", "history")]
    assert [bool(result.error) for result in results] == [bool(given), bool(given), False, False], results
    assert "drift of main" in results[0].text  # it got to its end
    secret = [value for name, value in values.items() if "KEY" in name or "TOKEN" in name]
    pieces = [piece for value in secret for piece in {value, *value.split("\n")} if len(piece) > 5]
    mine = [project / "sandbox" / name for name in ("token", "sandbox.env")]
    assert token_of(project / "sandbox") in pieces
    assert leaks(pieces, project, [*logged, *map(shown, results)], mine) == []


def shown(result: Result) -> str:
    return f"{result.text}\n{told(result.error)}"
