from datetime import timedelta
from pathlib import Path

from include.steps.report_run import report_run
from include.storage.artifacts import read_bytes, write_json
from include.storage.latest import latest
from include.storage.run_folder import RunFolder
from tests.steps.run_files import AFTER_CLOSE, make_run


def test_a_run_that_failed_early_is_reported_and_is_the_latest(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "2026-11-20" / "manual__1")
    write_json(RunFolder(run.folder).run, run)
    uri = report_run(run, tmp_path.as_uri())
    assert b"The run ended before coverage was known." in read_bytes(uri)
    assert latest(tmp_path.as_uri()) == run.folder


def test_a_backfill_is_reported_but_is_not_the_latest(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "2026-11-20" / "backfill__1", is_backfill=True)
    write_json(RunFolder(run.folder).run, run)
    report_run(run, tmp_path.as_uri())
    assert latest(tmp_path.as_uri()) is None


def test_clearing_an_older_run_does_not_bring_it_back(tmp_path: Path) -> None:
    older = make_run(tmp_path / "runs" / "2026-11-20" / "manual__1")
    newer = make_run(
        tmp_path / "runs" / "2026-11-20" / "manual__2", run_id="manual__2", run_after=AFTER_CLOSE + timedelta(hours=1)
    )
    for run in (older, newer, older):
        write_json(RunFolder(run.folder).run, run)
        report_run(run, tmp_path.as_uri())
    assert latest(tmp_path.as_uri()) == newer.folder
