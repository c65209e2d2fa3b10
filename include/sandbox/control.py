"""Starting and ending the local venues of a folder: `up`, `down`, `status`."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from include.errors import BrokerUnavailable, InputError
from include.sandbox.alpaca.keys import sandbox_keys
from include.sandbox.files import write_text
from include.sandbox.folder import HOST, VENUES, VenueFiles, account_code, token_of
from include.settings import PROJECT

START_SECONDS = 60.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.05
_children: dict[int, "subprocess.Popen[bytes]"] = {}


def up(folder: Path, venues: Sequence[str] = VENUES, ports: Mapping[str, int] | None = None) -> dict[str, str]:
    """Start the venues that do not run yet and wait until they listen; a second call changes nothing.

    Args:
        folder: Holds `catalogue.parquet`; token, state and logs are kept there.
        ports: Venue -> port; without one a venue gets the port it had before where that is free, else any.

    Returns:
        Variables for clients: `IB_HOST`, `IB_PORT`, `IB_CLIENT_ID`, `ALPACA_API_KEY`, `ALPACA_SECRET_KEY`, `ALPACA_BASE_URL`,
        `POLYBROKER_SANDBOX_TOKEN`; those of venues not asked for are left out. The same lines are in `sandbox.env`.

    Raises:
        InputError: An unknown venue, or no catalogue.
        BrokerUnavailable: A venue ended while starting, or does not listen in time; its last words are in the message.
    """
    folder = folder.resolve()
    found = {venue: _files(folder, venue) for venue in venues}
    if not (folder / "catalogue.parquet").is_file():
        raise InputError("expected a catalogue; build one first", source=folder / "catalogue.parquet")
    token = token_of(folder)
    started = {venue: None if files.running() else _launch(files, (ports or {}).get(venue)) for venue, files in found.items()}
    variables: dict[str, str] = {}
    for venue, files in found.items():
        port = _wait_listening(files, started[venue])
        if venue == "ibkr":
            variables |= {"IB_HOST": HOST, "IB_PORT": str(port), "IB_CLIENT_ID": "1"}
        else:
            key, secret = sandbox_keys(account_code(venue, token))
            variables |= {"ALPACA_API_KEY": key, "ALPACA_SECRET_KEY": secret, "ALPACA_BASE_URL": f"http://{HOST}:{port}"}
    variables["POLYBROKER_SANDBOX_TOKEN"] = token
    write_text(folder / "sandbox.env", "".join(f"{name}={value}\n" for name, value in variables.items()))
    return variables


def down(folder: Path, venues: Sequence[str] = VENUES) -> list[str]:
    """End this folder's venues; gives the names of those that ran. Accounts and orders stay in the folder.

    Raises:
        BrokerUnavailable: A venue does not end.
    """
    ended = []
    for venue in venues:
        files = _files(folder.resolve(), venue)
        if files.running():
            _end(files)
            ended.append(venue)
        _reap(files)
    return ended


def status(folder: Path) -> list[dict[str, Any]]:
    """Per venue `venue`, `running`, `pid` and `port` (None where it does not run), `log`."""
    rows = []
    for venue in VENUES:
        files = VenueFiles(folder.resolve(), venue)
        where = files.where() if files.running() else None
        pid, port = where or (None, None)
        rows.append({"venue": venue, "running": files.running(), "pid": pid, "port": port, "log": str(files.log)})
    return rows


def _files(folder: Path, venue: str) -> VenueFiles:
    if venue not in VENUES:
        raise InputError(f"expected one of {', '.join(VENUES)}", source="sandbox", field="venue", value=venue)
    return VenueFiles(folder, venue)


def _launch(files: VenueFiles, port: int | None) -> "subprocess.Popen[bytes]":
    if port is None:
        before = files.where()
        port = before[1] if before and _free(before[1]) else 0
    files.folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "include.sandbox.serve", "--venue", files.venue, "--dir", str(files.folder)]
    with open(files.log, "ab") as log:
        child = subprocess.Popen(
            [*command, "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=PROJECT,
            start_new_session=True,  # a Ctrl-C at the caller must not end the venue before its clients
        )
    _children[child.pid] = child
    return child


def _wait_listening(files: VenueFiles, child: "subprocess.Popen[bytes] | None") -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        where = files.where()
        if where and (where[0] == child.pid if child else _is_venue(where[0], files)) and _listens(where[1]):
            return where[1]
        if child is not None and child.poll() is not None:
            _children.pop(child.pid, None)
            if files.running():  # another process was faster
                child = None
                continue
            raise BrokerUnavailable(f"the venue {files.venue} ended while starting: {_last_words(files)}")
        time.sleep(POLL_SECONDS)
    raise BrokerUnavailable(f"the venue {files.venue} does not listen after {START_SECONDS:.0f} s: {_last_words(files)}")


def _end(files: VenueFiles) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + STOP_SECONDS
        signalled = 0
        while time.monotonic() < deadline:
            if not files.running():
                return
            where = files.where()
            if where and where[0] not in (0, signalled) and _is_venue(where[0], files):
                os.kill(where[0], number)
                signalled = where[0]
            time.sleep(POLL_SECONDS)
    raise BrokerUnavailable(f"the venue {files.venue} of {files.folder} does not end")


def _reap(files: VenueFiles) -> None:
    """Collect those of our own children that served this venue, so that none stays as a zombie or still starts."""
    for pid, child in list(_children.items()):
        if files.venue in child.args and str(files.folder) in child.args:  # type: ignore[operator]
            child.terminate()
            child.wait(STOP_SECONDS)
            del _children[pid]


def _is_venue(pid: int, files: VenueFiles) -> bool:
    """Whether the process is this folder's venue: a stale file may name a process that is somebody else's by now."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        here = Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return False
    folders = {(here / word.removeprefix("--dir=")).resolve() for word in words if word}
    return "include.sandbox.serve" in words and files.venue in words and files.folder in folders


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def _last_words(files: VenueFiles) -> str:
    try:
        lines = files.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "no log"
    return " | ".join(lines[-3:]) or "no word"
