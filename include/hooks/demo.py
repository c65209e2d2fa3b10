"""`make demo`: the DAG through Airflow on an embedded database and the local venues, and a summary for people.

Airflow's own output goes to `.airflow/demo/demo.log`. Nobody sits at the demo, so where the run asks for an approval the demo
says yes (its accounts are sandbox and paper ones) and the summary says that it did.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TextIO

from include.errors import PolybrokerError
from include.hooks.demo_summary import print_summary
from include.hooks.local import airflow_environment
from include.hooks.prepare import prepare, sandbox_settings
from include.hooks.watcher import Watcher
from include.sandbox import control
from include.settings import PROJECT, Settings

HOME = PROJECT / ".airflow" / "demo"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 0 when the run was a success, 1 when it failed, 2 when it could not start."""
    parser = argparse.ArgumentParser(prog="python -m include.hooks.demo", description=__doc__)
    parser.add_argument("--screens", default="synthetic", help="folder of exports, an old universe.json, or 'synthetic'")
    parser.add_argument("--catalogs", type=Path, help="folder of real contract lists")
    options = parser.parse_args(arguments)
    os.environ.update(airflow_environment(HOME) | {"POLYBROKER_RETRY_SECONDS": "1"})
    for name, value in own_world(options.screens, options.catalogs).items():
        os.environ.setdefault(name, value)
    try:
        settings = sandbox_settings(options.screens)
        say("Preparing the database and the sandbox's catalogue ...")
        listings = prepare(settings, options.catalogs).listings
        for venue, (listed, priced) in listings.items():
            say(f"  {venue}: {listed} contracts, {priced} with a price")
        with venues(settings), quiet(HOME / "demo.log"):
            state, asked = run_dag()
    except PolybrokerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print_summary(settings, asked)
    if state != "success":
        print(f"The run is {state}. Its log: {HOME / 'demo.log'}", file=sys.stderr)
        return 1
    return 0


def own_world(screens: str, catalogs: Path | None) -> dict[str, str]:
    """Journal and venues of a demo's own, by what it is run on: a session is planned once, and one demo's plan must not be
    another's. The runs themselves are with all others in `data/runs/`.
    """
    name = "synthetic"
    if screens != "synthetic" or catalogs:
        place = f"{Path(screens).resolve()}\n{catalogs.resolve() if catalogs else ''}"
        name = f"{Path(screens).resolve().name}-{sha256(place.encode()).hexdigest()[:6]}"
    folder = PROJECT / "data" / "demo" / name
    return {"POLYBROKER_DATABASE_URL": f"sqlite:///{folder / 'polybroker.db'}", "POLYBROKER_SANDBOX_DIR": str(folder / "sandbox")}


def say(line: str) -> None:
    """A line for the person who waits, also while Airflow's output is redirected."""
    print(line, file=_screen or sys.stdout, flush=True)


_screen: TextIO | None = None  # the screen while stdout goes to a file


@contextmanager
def venues(settings: Settings) -> Iterator[None]:
    """The local venues, ended afterwards if they did not run before."""
    folder = settings.environ.sandbox_dir
    before = [str(row["venue"]) for row in control.status(folder) if row["running"]]
    say("Starting the sandbox venues ...")
    os.environ.update(control.up(folder))
    try:
        yield
    finally:
        control.down(folder, [str(row["venue"]) for row in control.status(folder) if row["venue"] not in before])


@contextmanager
def quiet(log: Path) -> Iterator[None]:
    """Send what this process and its children print to a file; `say` still reaches the screen."""
    global _screen  # noqa: PLW0603 - the one stream that `say` writes to
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    _screen = os.fdopen(os.dup(kept[0]), "w", encoding="utf-8")
    with open(log, "ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        _screen.close()
        _screen = None


def run_dag() -> tuple[str, list[tuple[str, str]]]:
    """Run the DAG once for the newest session; gives the run's state and the questions that the demo answered."""
    say("Airflow's database (a few seconds the first time) ...")
    from airflow.utils.db import initdb

    initdb()
    from airflow.dag_processing.dagbag import DagBag

    dag = DagBag(PROJECT / "dags").dags["rebalance_portfolio"]
    moment = datetime.now(UTC)
    say("Running rebalance_portfolio ...")
    with Watcher(dag.dag_id, moment, say=say, answer="Approve") as watcher:
        run = dag.test(run_after=moment, logical_date=None, run_conf={"first_funding": True})
    return str(getattr(run.state, "value", run.state)), watcher.asked


if __name__ == "__main__":
    sys.exit(main())
