from pathlib import Path

import pytest

from include.errors import InputError
from include.steps.optimize_screens import optimize_screens
from include.storage.artifacts import read_bytes, read_json, write_json
from include.storage.run_folder import RunFolder
from tests.allocation.documents import history, run, stock, universe


def test_weights_are_added_and_the_rest_is_kept(tmp_path: Path) -> None:
    one = run(tmp_path, options={"method": "equal"})
    document = universe(a=[stock("AAA")], b=[stock("BBB")], c=[stock("CCC")])
    document["metadata"]["historical_performance"] = {"b": history([1, 2], "short")}
    write_json(RunFolder(one.folder).stage("add_history"), document)
    uri = optimize_screens(one)
    assert uri == RunFolder(one.folder).stage("optimize_screens")
    found = read_json(uri)
    assert found["metadata"]["portfolio_optimization"]["optimal_allocations"] == {"a": 0.5, "b": 0.0, "c": 0.5}
    assert list(found["metadata"]["portfolio_optimization"]["excluded"]) == ["b"]
    assert found["screens"] == document["screens"]
    before = read_bytes(uri)
    assert read_bytes(optimize_screens(one)) == before


def test_the_risk_free_rate_of_the_options_counts(tmp_path: Path) -> None:
    one = run(tmp_path, options={"method": "equal", "risk_free_rate_pct": 6.0})
    document = universe(a=[stock("AAA")])
    document["metadata"]["historical_performance"] = {"a": history([1, 2, 3])}  # 8 % a year, volatility 2 %
    write_json(RunFolder(one.folder).stage("add_history"), document)
    found = read_json(optimize_screens(one))["metadata"]["portfolio_optimization"]
    assert found["portfolio_performance"]["sharpe_ratio"] == pytest.approx(1.0)


def test_a_missing_stage_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"stages/add_history\.json: expected a readable file"):
        optimize_screens(run(tmp_path))


def test_too_little_history_names_the_file(tmp_path: Path) -> None:
    one = run(tmp_path)
    write_json(RunFolder(one.folder).stage("add_history"), universe(a=[stock("AAA")], b=[stock("BBB")]))
    with pytest.raises(
        InputError, match=r"add_history\.json, field 'metadata\.historical_performance': expected at least 8 quarters"
    ):
        optimize_screens(one)
    assert not (tmp_path / "stages" / "optimize_screens.json").exists()
