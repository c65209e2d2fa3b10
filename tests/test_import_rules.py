"""Who may import whom: the contracts of pyproject.toml hold, they can fail, and nothing imports dags or plugins."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from include.settings import PROJECT

LINT = Path(sys.executable).parent / "lint-imports"


def contracts(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([LINT, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


def test_the_contracts_hold() -> None:
    done = contracts(PROJECT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("domain/model.py", "import include.storage.artifacts", "Imports point downwards"),
        ("mapping/names.py", "import include.trading.plan", "Imports point downwards"),
        ("identity/enrich.py", "import include.mapping.names", "Imports point downwards"),
        ("brokers/ibkr/session.py", "import include.brokers.alpaca.adapter", "A broker's folder knows no other broker"),
        ("steps/plan_orders.py", "import include.brokers.registry", "Steps see the broker port"),
        ("trading/plan.py", "import include.simulation.engine", "The simulation is the paper broker's"),
        ("steps/plan_orders.py", "import airflow.sdk", "Only include/hooks imports Airflow"),
        ("sandbox/serve.py", "import ib_insync", "Only include/brokers/ibkr imports ib_insync"),
    ],
)
def test_a_forbidden_import_is_noticed(tmp_path: Path, module: str, line: str, contract: str) -> None:
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    shutil.copytree(PROJECT / "include", tmp_path / "include", ignore=shutil.ignore_patterns("__pycache__"))
    with open(tmp_path / "include" / module, "a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    done = contracts(tmp_path)
    assert done.returncode == 1
    assert any(contract in found and "BROKEN" in found for found in done.stdout.splitlines()), done.stdout


def test_nothing_imports_dags_or_plugins() -> None:
    for path in (PROJECT / "include").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            roots = {name.split(".")[0] for name in names}
            assert not roots & {"dags", "plugins", "rebalance_portfolio", "polybroker_plugin"}, path
