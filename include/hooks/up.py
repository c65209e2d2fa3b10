"""`make up`, `down`, `status`, `backfill`: Airflow and the sandbox venues in the background, kept running by supervisord.

Everything listens on 127.0.0.1 alone and lives in `.airflow/`; the run data and the venues' state are in `data/`.
"""

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path

from include.errors import InputError, PolybrokerError
from include.hooks.local import USER, airflow_environment, password
from include.hooks.prepare import prepare, sandbox_settings
from include.sandbox import control
from include.settings import PROJECT

HOME = PROJECT / ".airflow"
BIN = str(Path(sys.executable).parent)
DAG_ID = "rebalance_portfolio"
WAIT_SECONDS = 180
SERVICES = {
    "api-server": "api-server --host 127.0.0.1 --port {port}",
    "scheduler": "scheduler --skip-serve-logs",
    "dag-processor": "dag-processor",
    "triggerer": "triggerer --skip-serve-logs",
}


def supervisor_config(
    home: Path, sandbox: Path, port: int, venue_ports: Mapping[str, int], environment: Mapping[str, str]
) -> str:
    """The configuration of supervisord: one program per Airflow service and venue, each started again when it ends.

    Args:
        home: Where its socket, pid file and the logs go.
        sandbox: The venues' folder.
        port: Of the web pages.
        venue_ports: Venue -> port.
        environment: Set for every program.
    """
    programs = {name: f"{BIN}/airflow {command.format(port=port)}" for name, command in SERVICES.items()}
    for venue, venue_port in venue_ports.items():
        programs[f"venue-{venue}"] = (
            f'{sys.executable} -m include.sandbox.serve --venue {venue} --dir "{sandbox}" --port {venue_port}'
        )
    variables = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(environment.items()))
    sections = [
        f"[supervisord]\nnodaemon=false\npidfile={home}/supervisord.pid\nlogfile={home}/logs/supervisord.log\ndirectory={PROJECT}\n"
        f"environment={variables}\n",
        f"[unix_http_server]\nfile={_socket(home)}\nchmod=0700\n",
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
        f"[supervisorctl]\nserverurl=unix://{_socket(home)}\n",
    ]
    sections += [
        f"[program:{name}]\ncommand={command}\nautorestart=true\nstartretries=20\nstartsecs=3\nstopasgroup=true\nkillasgroup=true\n"
        f"stopwaitsecs=20\nredirect_stderr=true\nstdout_logfile={home}/logs/{name}.log\nstdout_logfile_maxbytes=10MB\n"
        for name, command in programs.items()
    ]
    return "\n".join(sections).replace("%", "%%")


def start(home: Path, port: int, screens: str, catalogs: Path | None) -> None:
    """Prepare what is missing, start everything, and say where it is. Running already: only says where."""
    if _running(home):
        print("It runs already.")
        _say_where(home, _port_of(home))
        return
    if not _free(port):
        raise InputError("expected a free port; choose another: make up PORT=8081", source="make up", field="PORT", value=port)
    settings = sandbox_settings(screens)
    environment = airflow_environment(home, port) | {
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "POLYBROKER_PROFILE": str(settings.environ.profile),
        "POLYBROKER_SCREENS": settings.options.screens,
    }
    print("The sandbox's catalogue and the project's database ...", flush=True)
    prepare(settings, catalogs)
    print("Airflow's database ...", flush=True)
    _migrate(home, environment)
    sandbox = settings.environ.sandbox_dir.resolve()
    environment |= control.up(sandbox)  # makes token, keys and ports; supervisord starts the venues again at these ports
    ports = {str(row["venue"]): int(row["port"]) for row in control.status(sandbox)}
    control.down(sandbox)
    (home / "port").write_text(str(port), encoding="utf-8")
    config = home / "supervisord.conf"
    config.touch(mode=0o600)
    config.write_text(supervisor_config(home, sandbox, port, ports, environment), encoding="utf-8")
    print("Starting Airflow and the venues ", end="", flush=True)
    subprocess.run([f"{BIN}/supervisord", "-c", str(config)], check=True, cwd=PROJECT)
    _wait(home, port)
    _say_where(home, port)


def stop(home: Path) -> None:
    """End exactly what `start` started."""
    if not _running(home):
        print("Nothing runs.")
        return
    print("Ending Airflow and the sandbox venues ...")
    pid = int((home / "supervisord.pid").read_text(encoding="utf-8"))
    _control(home, "shutdown")
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    print("Ended.")


def status(home: Path) -> int:
    """Print the state of every process; 0 when it runs."""
    if not _running(home):
        print("Nothing runs: make up")
        return 1
    print(_control(home, "status").stdout, end="")
    _say_where(home, _port_of(home))
    return 0


def backfill(home: Path, first: date, last: date) -> int:
    """Create a backfill over the sessions of [first, last], one run at a time."""
    if not _running(home):
        raise InputError("expected Airflow to run: make up", source="make backfill")
    window = ["--from-date", f"{first}T00:00:00+00:00", "--to-date", f"{last}T23:59:59+00:00"]
    command = [f"{BIN}/airflow", "backfill", "create", "--dag-id", DAG_ID, *window, "--max-active-runs", "1"]
    environment = os.environ | airflow_environment(home, _port_of(home))
    code = subprocess.run([*command, "--reprocess-behavior", "completed"], env=environment, cwd=PROJECT, check=False).returncode
    if code == 0:
        print(f"Sessions of {first} to {last} run one after the other; watch them at {_address(_port_of(home))}/dags/{DAG_ID}")
    return code


def _migrate(home: Path, environment: Mapping[str, str]) -> None:
    (home / "logs").mkdir(exist_ok=True)
    with open(home / "logs" / "migrate.log", "ab") as log:
        command = [f"{BIN}/airflow", "db", "migrate"]
        subprocess.run(command, check=True, cwd=PROJECT, env=os.environ | environment, stdout=log, stderr=log)


def _wait(home: Path, port: int) -> None:
    import httpx

    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            token = httpx.post(f"{_address(port)}/auth/token", json={"username": USER, "password": password(home)}).json()[
                "access_token"
            ]
            headers = {"Authorization": f"Bearer {token}"}
            if httpx.get(f"{_address(port)}/api/v2/dags/{DAG_ID}", headers=headers).status_code == 200:
                print()
                return
        except (httpx.HTTPError, KeyError, ValueError):
            pass  # not there yet
        print(".", end="", flush=True)
        time.sleep(1)
    raise InputError(f"expected Airflow to answer within {WAIT_SECONDS} s; its logs are in {home / 'logs'}", source="make up")


def _say_where(home: Path, port: int) -> None:
    print(f"""
  Airflow:   {_address(port)}   user {USER}, password {password(home)}
  Trigger:   Dags > {DAG_ID} > Trigger (the form has every option; tick First funding for the first run)
  Approve:   a run that asks waits under Required Actions
  Files:     {PROJECT / "data" / "runs" / "latest"}
  Logs:      {home / "logs"}
  End:       make down
""")


def _control(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [f"{BIN}/supervisorctl", "-c", str(home / "supervisord.conf"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)


def _running(home: Path) -> bool:
    return (home / "supervisord.conf").is_file() and _control(home, "pid").returncode == 0


def _socket(home: Path) -> Path:
    """The control socket; a long path of the project would not fit into a socket's address (108 bytes)."""
    path = home / "supervisor.sock"
    if len(str(path).encode()) < 100:
        return path
    return Path("/tmp") / f"polybroker-{sha256(str(home).encode()).hexdigest()[:12]}.sock"


def _port_of(home: Path) -> int:
    return int((home / "port").read_text(encoding="utf-8"))


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0 when it did what was asked, 1 when it could not."""
    parser = argparse.ArgumentParser(prog="python -m include.hooks.up", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("start")
    starting.add_argument("--port", type=int, default=8080)
    starting.add_argument("--screens", default="synthetic")
    starting.add_argument("--catalogs", type=Path)
    commands.add_parser("stop")
    commands.add_parser("status")
    filling = commands.add_parser("backfill")
    filling.add_argument("--from", dest="first", type=date.fromisoformat, required=True)
    filling.add_argument("--to", dest="last", type=date.fromisoformat, required=True)
    options = parser.parse_args(arguments)
    try:
        if options.command == "start":
            start(HOME, options.port, options.screens, options.catalogs)
        elif options.command == "stop":
            stop(HOME)
        elif options.command == "status":
            return status(HOME)
        else:
            return backfill(HOME, options.first, options.last)
    except (PolybrokerError, subprocess.CalledProcessError) as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
