"""A changed YAML serves the next run of the same process; every version that was used is kept under the hash of its run."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from include.errors import InputError
from include.settings import PROJECT
from include.settings.files import version_of
from include.steps.record_configuration import record_configuration
from include.steps.resolve_run import load_run, resolve_run
from include.storage.config_versions import ConfigVersions
from include.storage.database import Database
from include.storage.run_folder import RunFolder
from tests.screening.exports import export
from tests.steps.screening_runs import AFTER, settings


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT / "include" / "config", tmp_path / "config"))


def test_each_run_has_the_values_of_its_moment_and_its_version_is_kept(tmp_path: Path, config: Path, database: Database) -> None:
    screens = str(export(tmp_path / "screens"))
    runs = []
    for number, weight in enumerate(("10", "8")):
        path = config / "brokers" / "alpaca.yaml"
        path.write_text(path.read_text().partition("risk_limits")[0] + f"risk_limits: {{ max_order_value: {weight}000 }}\n")
        made = settings(tmp_path, config_dir=config)
        run = resolve_run(made, run_id=f"r{number}", run_after=AFTER, params={"screens": screens})
        record_configuration(run, made, {}, database, AFTER + timedelta(hours=number))
        runs.append(load_run(RunFolder(run.folder).run))
    kept = ConfigVersions(database)
    assert [run.options["risk_limits"]["alpaca"]["max_order_value"] for run in runs] == ["10000", "8000"]
    assert runs[0].config_version != runs[1].config_version
    assert runs[0].config_sha256 != runs[1].config_sha256
    assert [one.last_used_by for one in kept.history()] == ["r1", "r0"]
    files = kept.files(runs[0].config_version)
    assert b"max_order_value: 10000" in files["brokers/alpaca.yaml"]
    assert version_of(files) == runs[0].config_version
    assert set(files) == {p.relative_to(config).as_posix() for p in config.rglob("*.yaml")}


def test_what_brokers_can_do_is_compared_with_the_run_before(tmp_path: Path, database: Database) -> None:
    made = settings(tmp_path)
    run = resolve_run(made, run_id="r", run_after=AFTER, params={"screens": str(export(tmp_path / "screens"))})
    assert record_configuration(run, made, {"toy": {"brackets": True}}, database, AFTER) == []
    (event,) = record_configuration(run, made, {"toy": {"brackets": False}}, database, AFTER)
    assert (event.topic, event.body["changes"]) == ("toy.capabilities.changed", {"brackets": [True, False]})


def test_a_secret_in_a_file_stops_the_run_before_it_is_kept(tmp_path: Path, config: Path) -> None:
    (config / "brokers" / "ibkr.yaml").write_text("credentials: { host: CANARY/4711 }\nadapter: a.b:C\n")
    with pytest.raises(InputError) as caught:
        resolve_run(settings(tmp_path, config_dir=config), run_id="r", run_after=AFTER, params={"screens": "synthetic"})
    assert "CANARY" not in str(caught.value)
