from datetime import date

import pytest

from include.storage.run_folder import RunFolder


def test_the_folder_of_a_run() -> None:
    folder = RunFolder.for_run("file:///data/", date(2025, 9, 18), "manual__2025-09-18T20:30:00+00:00/x y")
    assert folder.uri == "file:///data/runs/2025-09-18/manual__2025-09-18T20_30_00+00_00_x_y"


@pytest.mark.parametrize("run_id", ["../../escape", "a/b", "a\\b", "a\0b"])
def test_a_run_id_stays_one_folder(run_id: str) -> None:
    folder = RunFolder.for_run("file:///data", date(2025, 9, 18), run_id)
    assert folder.uri.count("/") == "file:///data/runs/2025-09-18/x".count("/")


def test_every_name() -> None:
    folder = RunFolder("/r/")
    assert [
        folder.run,
        folder.screen("a"),
        folder.stage("add_history"),
        folder.input_gate,
        folder.identities("1f"),
        folder.account("ibkr-main"),
        folder.sizes("main"),
        folder.universe,
        folder.contracts("ibkr"),
        folder.mapping("ibkr"),
        folder.mapping_changes("ibkr"),
        folder.list_changes("ibkr"),
        folder.universe_mapped,
        folder.universe_with_ibkr,
        folder.coverage,
        folder.data_docs,
        folder.orders,
        folder.risk,
        folder.submission("ibkr-main"),
        folder.execution_report,
        folder.report,
    ] == [
        "/r/run.json",
        "/r/screens/a.json",
        "/r/stages/add_history.json",
        "/r/input_gate.json",
        "/r/identities/1f.parquet",
        "/r/accounts/ibkr-main.json",
        "/r/portfolios/main/sizes.json",
        "/r/universe.json",
        "/r/brokers/ibkr/contracts.parquet",
        "/r/brokers/ibkr/mapping.json",
        "/r/brokers/ibkr/changes.json",
        "/r/brokers/ibkr/list_changes.json",
        "/r/universe_mapped.json",
        "/r/universe_with_ibkr.json",
        "/r/coverage.json",
        "/r/data_docs",
        "/r/orders.json",
        "/r/risk.json",
        "/r/accounts/ibkr-main.submission.json",
        "/r/execution_report.json",
        "/r/report.md",
    ]
