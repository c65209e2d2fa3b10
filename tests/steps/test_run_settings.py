"""A run that has begun has the settings that it began with."""

import shutil
from pathlib import Path

import pytest

from include.domain.run import Run
from include.errors import InputError
from include.settings import PROJECT, Settings
from include.steps.record_configuration import record_configuration
from include.steps.resolve_run import load_run, resolve_run
from include.steps.run_settings import run_settings
from include.storage.config_versions import ConfigVersions
from include.storage.database import Database
from include.storage.run_folder import RunFolder
from tests.screening.exports import export
from tests.steps.screening_runs import AFTER
from tests.steps.screening_runs import settings as settings_in


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(PROJECT / "include" / "config", tmp_path / "config"))
    path = folder / "brokers" / "alpaca.yaml"
    path.write_text(
        path.read_text()
        .replace("timeout_seconds: 20", "timeout_seconds: ${SLOW:20}\ndata_feed_: 1")
        .replace("data_feed_: 1\n", "")
    )
    return folder


def begun(settings: Settings, tmp_path: Path, database: Database, **params: object) -> Run:
    run = resolve_run(settings, run_id="r", run_after=AFTER, params={"screens": str(export(tmp_path / "screens")), **params})
    record_configuration(run, settings, {}, database, AFTER)
    return load_run(RunFolder(run.folder).run)


def test_files_variables_and_options_are_those_of_the_beginning(tmp_path: Path, config: Path, database: Database) -> None:
    before = settings_in(tmp_path, config_dir=config)
    run = begun(Settings(before.environ, variables={"SLOW": "7"}), tmp_path, database, top_n=12)
    (config / "brokers" / "alpaca.yaml").write_text("adapter: 1")
    (config / "polybroker.yaml").unlink()
    environ = before.environ.model_copy(update={"profile": "gone since", "screens": "others"})
    found = run_settings(run, environ, database, {"SLOW": "9", "NEW": "1"})
    assert found.brokers["alpaca"]["timeout_seconds"] == 7
    assert found.version == before.version == run.config_version
    assert (found.options.top_n, found.options.screens) == (12, str(tmp_path / "screens"))
    assert found.environ.data_uri == before.environ.data_uri


def test_secrets_are_read_fresh(tmp_path: Path, config: Path, database: Database) -> None:
    path = config / "brokers" / "alpaca.yaml"
    path.write_text(path.read_text().replace('data_feed: ""', "data_feed: ${FEED_KEY}"))
    before = settings_in(tmp_path, config_dir=config)
    run = begun(Settings(before.environ, variables={"FEED_KEY": "CANARY-old"}), tmp_path, database)
    assert run_settings(run, before.environ, database, {"FEED_KEY": "new"}).brokers["alpaca"]["data_feed"] == "new"
    written = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert run.variables == {"SLOW": ""}  # IB_CLIENT_ID is among credentials
    assert b"CANARY" not in written


def test_a_version_that_the_database_does_not_have(tmp_path: Path, database: Database) -> None:
    settings = settings_in(tmp_path)
    run = begun(settings, tmp_path, database)
    for version in ("", "0" * 64):
        lost = run.model_copy(update={"config_version": version})
        with pytest.raises(InputError, match=r"run.json, field 'config_version': .* or clear resolve_run") as caught:
            run_settings(lost, settings.environ, database, {})
        assert version in str(caught.value)


def test_a_kept_file_that_is_refused_by_now_is_not_taken_for_the_one_in_the_folder(
    tmp_path: Path, config: Path, database: Database
) -> None:
    before = settings_in(tmp_path, config_dir=config)
    run = begun(before, tmp_path, database)
    files = {**before.files, "brokers/alpaca.yaml": b"adapter: 1\nof_an_earlier_version: 1\n"}
    kept = ConfigVersions(database).record(files, "of an earlier version of the project", AFTER)
    with pytest.raises(InputError, match=rf"^the run's configuration {kept[:12]}/brokers/alpaca.yaml"):
        _ = run_settings(run.model_copy(update={"config_version": kept}), before.environ, database, {}).broker_files
