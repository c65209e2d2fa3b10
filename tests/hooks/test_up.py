"""`make up`: what supervisord is told, and the real thing once: started, a process killed and back, ended."""

import configparser
import os
import signal
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from include.errors import InputError
from include.hooks import up
from include.hooks.local import airflow_environment, password
from include.sandbox import control


def test_every_service_and_venue_is_started_again_when_it_ends(tmp_path: Path) -> None:
    text = up.supervisor_config(tmp_path, tmp_path / "sandbox", 8081, {"ibkr": 7001, "alpaca": 7002}, {"A": 'x"%'})
    config = configparser.RawConfigParser()
    config.read_string(text)
    programs = [name.removeprefix("program:") for name in config.sections() if name.startswith("program:")]
    assert programs == ["api-server", "scheduler", "dag-processor", "triggerer", "venue-ibkr", "venue-alpaca"]
    assert {config[f"program:{name}"]["autorestart"] for name in programs} == {"true"}
    assert config["program:api-server"]["command"].endswith("airflow api-server --host 127.0.0.1 --port 8081")
    assert "--skip-serve-logs" in config["program:scheduler"]["command"]
    assert config["program:venue-ibkr"]["command"].endswith(f'--venue ibkr --dir "{tmp_path / "sandbox"}" --port 7001')
    assert config["supervisord"]["environment"] == 'A="x\\"%%"'


def test_a_long_path_gets_its_control_socket_elsewhere(tmp_path: Path) -> None:
    assert "unix:///tmp/polybroker-" in up.supervisor_config(tmp_path / ("x" * 120), tmp_path, 1, {}, {})


def test_the_environment_listens_on_this_machine_alone_and_keeps_its_keys(tmp_path: Path) -> None:
    first = airflow_environment(tmp_path / "home", 8081)
    assert first["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert first["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert airflow_environment(tmp_path / "home", 8081) == first
    assert len(password(tmp_path / "home")) >= 12
    assert (tmp_path / "home").stat().st_mode & 0o077 == 0
    for name in ("passwords.json", "fernet.key", "api.key", "jwt.key"):
        assert (tmp_path / "home" / name).stat().st_mode & 0o077 == 0


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="PORT"):
            up.start(tmp_path, taken.getsockname()[1], "synthetic", None)


def test_when_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(up, "HOME", tmp_path)
    assert up.main(["stop"]) == 0
    assert up.main(["status"]) == 1
    assert "Nothing runs" in capsys.readouterr().out
    assert up.main(["backfill", "--from", "2026-01-05", "--to", "2026-01-07"]) == 1
    assert "make up" in capsys.readouterr().err


@pytest.mark.airflow
@pytest.mark.xdist_group("airflow")
def test_up_restart_backfill_and_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        monkeypatch.delenv(name)
    for name, value in {
        "POLYBROKER_DATA_URI": (tmp_path / "data").as_uri(),
        "POLYBROKER_DATABASE_URL": f"sqlite:///{tmp_path / 'polybroker.db'}",
        "POLYBROKER_SANDBOX_DIR": str(tmp_path / "sandbox"),
    }.items():
        monkeypatch.setenv(name, value)
    home = tmp_path / "airflow"
    monkeypatch.setattr(up, "HOME", home)
    port = _free_port()
    try:
        assert up.main(["start", "--port", str(port)]) == 0
        said = capfd.readouterr().out
        assert f"http://127.0.0.1:{port}" in said
        assert password(home) in said
        assert up.main(["start", "--port", str(port)]) == 0
        assert "It runs already" in capfd.readouterr().out

        pid = _pid_of("alpaca", tmp_path / "sandbox")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        _until(
            lambda: any(r["venue"] == "alpaca" and r["running"] and r["pid"] != pid for r in control.status(tmp_path / "sandbox"))
        )
        assert up.main(["status"]) == 0
        assert capfd.readouterr().out.count("RUNNING") >= 5
        assert up.backfill(home, date(2026, 1, 3), date(2026, 1, 4)) != 0  # a weekend has no session
    finally:
        assert up.main(["stop"]) == 0
        os.environ.clear()
        os.environ.update(before)
    assert up.main(["status"]) == 1
    assert not any(row["running"] for row in control.status(tmp_path / "sandbox"))


def _pid_of(venue: str, folder: Path) -> int | None:
    """Process id of a venue that runs, else None."""
    return next((row["pid"] for row in control.status(folder) if row["venue"] == venue and row["running"]), None)


def _until(probe: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if probe():
            return
        time.sleep(0.2)
    raise AssertionError("nothing after 60 s")


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
