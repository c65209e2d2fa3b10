"""A project in a temporary folder: an export of six rows, and the local venues as processes of their own."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from include.cli.app import app
from tests.screening.exports import export

ROWS = (
    "AAPL,US0378331005,USD,Apple Inc,Technology,United States,200,230.5,9.09%,{day}",
    "MSFT,US5949181045,USD,Microsoft Corp,Technology,United States,300,415.2,7.50%,{day}",
    "7203.T,JP3633400001,JPY,Toyota Motor Corp,Automobiles,Japan,2500,2811,12.25%,{day}",
    "VOD.L,GB00BH4HKS39,GBP,Vodafone Group plc,Telecom,United Kingdom,0.8,0.72,3.10%,{day}",
    "SAP.DE,DE0007164600,EUR,SAP SE,Technology,Germany,150,181.3,5.00%,{day}",
    "BROKEN.XX,null,EUR,No Such Market AG,Other,Nowhere,1,1,1.00%,{day}",
)


@dataclass(frozen=True)
class Result:
    """What a command printed and how it ended."""

    code: int
    text: str
    error: BaseException | None


Polybroker = Callable[..., Result]


@pytest.fixture(scope="module")
def screens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    day = (datetime.now(UTC) - timedelta(days=7)).strftime("%d %b %Y")
    folder = tmp_path_factory.mktemp("screens")
    quarters = [
        (f"{year} Q{quarter}", f"{(year * quarter) % 7 - 2}.50%") for year in range(2015, 2025) for quarter in (1, 2, 3, 4)
    ]
    return export(folder, "good_ones", [row.format(day=day) for row in ROWS], day=day, quarters=quarters)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where this module's data, database and venues live; the environment says so until the module ends."""
    folder = tmp_path_factory.mktemp("project")
    values = {
        "POLYBROKER_DATA_URI": (folder / "data").as_uri(),
        "POLYBROKER_DATABASE_URL": f"sqlite:///{folder / 'polybroker.db'}",
        "POLYBROKER_SANDBOX_DIR": str(folder / "sandbox"),
        "POLYBROKER_KILL_SWITCH": str(folder / "KILL_SWITCH"),
        "POLYBROKER_PROFILE": "sandbox",
    }
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield folder
    finally:
        CliRunner().invoke(app, ["sandbox", "down"])
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="module")
def polybroker(project: Path) -> Polybroker:
    """Runs a command line in the project."""

    def run(*words: object) -> Result:
        found = CliRunner().invoke(app, [str(word) for word in words])
        return Result(found.exit_code, found.output, found.exception)

    return run
