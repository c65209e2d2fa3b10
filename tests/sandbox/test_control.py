import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from include.errors import BrokerUnavailable, InputError
from include.sandbox import control
from include.sandbox.catalogue import write_catalogue
from include.sandbox.files import write_json
from include.sandbox.folder import VenueFiles, token_of
from include.settings import PROJECT
from tests.sandbox.conftest import MakeListing


@pytest.fixture
def folder(tmp_path: Path, listing: MakeListing) -> Iterator[Path]:
    write_catalogue(tmp_path / "catalogue.parquet", [listing(), listing(venue="alpaca", native_id="a-1")])
    yield tmp_path
    control.down(tmp_path)


def running(folder: Path) -> dict[str, bool]:
    return {row["venue"]: row["running"] for row in control.status(folder)}


def test_up_twice_down_and_up_again_at_the_same_place(folder: Path) -> None:
    variables = control.up(folder)
    assert set(variables) == {
        "IB_HOST",
        "IB_PORT",
        "IB_CLIENT_ID",
        "ALPACA_API_KEY",
        "ALPACA_SECRET_KEY",
        "ALPACA_BASE_URL",
        "POLYBROKER_SANDBOX_TOKEN",
    }
    assert variables["POLYBROKER_SANDBOX_TOKEN"] == token_of(folder)
    lines = (folder / "sandbox.env").read_text(encoding="utf-8").splitlines()
    assert dict(line.split("=", 1) for line in lines) == variables
    assert (folder / "sandbox.env").stat().st_mode & 0o777 == 0o600
    headers = {"APCA-API-KEY-ID": variables["ALPACA_API_KEY"], "APCA-API-SECRET-KEY": variables["ALPACA_SECRET_KEY"]}
    assert httpx.get(variables["ALPACA_BASE_URL"] + "/v2/account", headers=headers).status_code == 200
    pids = [row["pid"] for row in control.status(folder)]
    assert control.up(folder) == variables
    assert [row["pid"] for row in control.status(folder)] == pids
    assert control.down(folder) == ["ibkr", "alpaca"]
    assert running(folder) == {"ibkr": False, "alpaca": False}
    assert control.down(folder) == []
    assert control.up(folder, ["ibkr"]) == {
        key: variables[key] for key in ("IB_HOST", "IB_PORT", "IB_CLIENT_ID", "POLYBROKER_SANDBOX_TOKEN")
    }


def test_a_killed_venue_leaves_a_stale_file_and_starts_again(folder: Path) -> None:
    control.up(folder, ["ibkr"])
    (row, _) = control.status(folder)
    os.kill(row["pid"], signal.SIGKILL)
    while VenueFiles(folder, "ibkr").running():
        pass
    assert running(folder)["ibkr"] is False
    assert VenueFiles(folder, "ibkr").where() == (row["pid"], row["port"])
    assert control.down(folder) == []
    assert not Path(f"/proc/{row['pid']}").exists(), "a zombie"
    control.up(folder, ["ibkr"], {"ibkr": 0})
    assert control.status(folder)[0]["pid"] != row["pid"]


def test_down_ends_a_venue_that_was_started_by_hand(folder: Path) -> None:
    command = [sys.executable, "-m", "include.sandbox.serve", "--venue", "ibkr", "--dir", "."]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL) as by_hand:
        try:
            while not VenueFiles(folder, "ibkr").running():
                assert by_hand.poll() is None
            assert control.up(folder, ["ibkr"])["IB_HOST"] == "127.0.0.1"
            assert control.down(folder, ["ibkr"]) == ["ibkr"]
            assert by_hand.wait(10) == 0
        finally:
            by_hand.terminate()


def test_down_leaves_a_process_alone_that_is_no_venue(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "STOP_SECONDS", 0.2)
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: killed.append((pid, number)))
    files = VenueFiles(folder, "ibkr")
    write_json(files.pid, {"pid": os.getpid(), "port": 1})
    with files.held(), pytest.raises(BrokerUnavailable, match="does not end"):
        control.down(folder, ["ibkr"])
    assert killed == []


def test_a_port_that_is_taken_now_is_not_asked_for_again(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        write_json(VenueFiles(folder, "ibkr").pid, {"pid": 0, "port": port})
        assert control.up(folder, ["ibkr"])["IB_PORT"] != str(port)


def test_a_venue_that_ends_while_starting_says_why(folder: Path) -> None:
    VenueFiles(folder, "alpaca").state.write_text("{}", encoding="utf-8")
    with pytest.raises(BrokerUnavailable, match=r"alpaca.*ended while starting.*expected the state of a venue"):
        control.up(folder, ["alpaca"])


def test_a_venue_that_never_listens_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "START_SECONDS", 0.1)
    with VenueFiles(folder, "ibkr").held(), pytest.raises(BrokerUnavailable, match=r"does not listen.*no log"):
        control.up(folder, ["ibkr"])


def test_the_address_of_a_venue_that_died_is_not_given_for_one_that_starts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "START_SECONDS", 0.1)
    files = VenueFiles(folder, "ibkr")
    with socket.create_server(("127.0.0.1", 0)) as somebody, files.held():
        write_json(files.pid, {"pid": os.getpid(), "port": somebody.getsockname()[1]})
        with pytest.raises(BrokerUnavailable, match="does not listen"):
            control.up(folder, ["ibkr"])


def test_up_needs_a_catalogue_and_known_venues(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="catalogue"):
        control.up(tmp_path)
    with pytest.raises(InputError, match="ibkr, alpaca"):
        control.up(tmp_path, ["nasdaq"])
    assert list(tmp_path.iterdir()) == []
