"""A venue in this process; `test_control` starts real processes."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from include.errors import BrokerUnavailable, InputError
from include.sandbox import serve as serve_module
from include.sandbox.alpaca.keys import sandbox_keys
from include.sandbox.catalogue import write_catalogue
from include.sandbox.folder import VenueFiles, account_code, token_of
from include.sandbox.serve import main, serve
from tests.sandbox.conftest import NOW, MakeListing

PATIENCE_SECONDS = 30.0


def eventually(check: Callable[[], bool]) -> bool:
    """Whether `check` came true before the patience was over; asks as often as it can."""
    pause = threading.Event()
    for _ in range(int(PATIENCE_SECONDS / 0.02)):
        if check():
            return True
        pause.wait(0.02)
    return False


@contextmanager
def served(files: VenueFiles, port: int = 0) -> Iterator[int]:
    stop = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            serve(files, port, stop)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert eventually(lambda: bool(errors) or bool((files.where() or (0, 0))[0]))
        assert errors == []
        where = files.where()
        assert where is not None
        yield where[1]
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert errors == []


@pytest.fixture
def files(tmp_path: Path, listing: MakeListing) -> VenueFiles:
    write_catalogue(tmp_path / "catalogue.parquet", [listing(), listing(venue="alpaca", native_id="a-1")])
    return VenueFiles(tmp_path, "alpaca")


def ask(files: VenueFiles, port: int, path: str) -> httpx.Response:
    key, secret = sandbox_keys(account_code("alpaca", token_of(files.folder)))
    headers = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
    return httpx.get(f"http://127.0.0.1:{port}{path}", headers=headers)


def test_it_serves_says_where_and_leaves_its_state(files: VenueFiles, capsys: pytest.CaptureFixture[str]) -> None:
    with served(files) as port:
        account = ask(files, port, "/v2/account").json()
        assert account["account_number"] == account_code("alpaca", token_of(files.folder))
        assert files.running()
    assert not files.running()
    assert files.where() == (0, port)
    assert json.loads(files.state.read_text(encoding="utf-8"))["engine"]["cash"] == {"USD": "300000"}
    assert "alpaca: 1 listings on 127.0.0.1:" in capsys.readouterr().out


def test_new_marks_reach_a_running_venue(files: VenueFiles, listing: MakeListing, capsys: pytest.CaptureFixture[str]) -> None:
    later = NOW + timedelta(days=1)
    with served(files) as port:
        files.catalogue.write_text("damaged", encoding="utf-8")
        seen: list[str] = []

        def complained() -> bool:
            seen.append(capsys.readouterr().err)
            return any("expected a parquet file" in text for text in seen)

        assert eventually(complained)
        write_catalogue(
            files.catalogue, [listing(venue="alpaca", native_id="a-1", symbol="ONE", price=Decimal(200), price_time=later)]
        )

        def price() -> float:
            return float(ask(files, port, "/v2/stocks/quotes/latest?symbols=ONE").json()["quotes"]["ONE"]["ap"])

        assert eventually(lambda: price() == pytest.approx(200.04))


def test_a_catalogue_that_is_taken_away_leaves_the_old_marks(
    files: VenueFiles, listing: MakeListing, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def said(text: str) -> bool:
        seen.append("".join(capsys.readouterr()))
        return text in "".join(seen)

    with served(files) as port:
        files.catalogue.unlink()
        assert eventually(lambda: said("expected a readable file"))
        assert ask(files, port, "/v2/assets/ONE").status_code == 200
        write_catalogue(files.catalogue, [listing(venue="alpaca", native_id="a-1"), listing(venue="alpaca", native_id="a-2")])
        assert eventually(lambda: said("2 listings with new marks"))
    assert "".join(seen).count("expected a readable file") == 1


def test_a_second_venue_of_the_folder_is_refused(files: VenueFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_module, "LOCK_PATIENCE_SECONDS", 0.0)
    with files.held(), pytest.raises(BrokerUnavailable, match="runs already"):
        serve(files, 0, threading.Event())


@pytest.mark.parametrize("venue", ["ibkr", "alpaca"])
def test_a_taken_port_is_said(files: VenueFiles, venue: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises((BrokerUnavailable, InputError), match="port|listen"):
        serve(VenueFiles(files.folder, venue), taken.getsockname()[1], threading.Event())
    assert not VenueFiles(files.folder, venue).running()


def test_the_tws_listens_too(files: VenueFiles) -> None:
    with served(VenueFiles(files.folder, "ibkr")) as port, socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(b"API\0\0\0\0\x09v100..176")
        assert b"176" in client.recv(100)


def test_the_command_line_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--venue", "ibkr", "--dir", str(tmp_path)]) == 2
    assert "catalogue.parquet: expected a catalogue" in capsys.readouterr().err
