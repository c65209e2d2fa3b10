import json
import math
from decimal import Decimal
from pathlib import Path

import pytest

from include.errors import InputError
from include.steps.set_targets import set_targets
from include.storage.artifacts import read_bytes, read_json, write_json
from include.storage.run_folder import RunFolder
from tests.allocation.documents import portfolio, run, stock, universe


def prepared(folder: str) -> None:
    document = universe(a=[stock("AAA", price_180d_change="1.00%"), stock("BBB", price_180d_change="2.00%")], b=[stock("CCC")])
    document["metadata"]["portfolio_optimization"] = {"optimal_allocations": {"a": 0.6, "b": 0.4}}
    write_json(RunFolder(folder).stage("convert_currency"), document)


def test_the_first_portfolios_limits_and_the_options_count(tmp_path: Path) -> None:
    first = portfolio("first", cash_buffer_pct=Decimal(10), max_weight_pct=Decimal(50))
    second = portfolio("second", ("two",), cash_buffer_pct=Decimal(0))
    one = run(tmp_path, first, second, options={"top_n": 2, "first_weight_pct": 3.0, "last_weight_pct": 1.0})
    prepared(one.folder)
    uri = set_targets(one)
    assert uri == RunFolder(one.folder).stage("set_targets")
    found = read_json(uri)
    # a: 3 to 1, so 0.45 and 0.15; b: 0.4, all under the cap of 0.5; times 0.9.
    weights = {ticker: s["final_target"] for ticker, s in found["all_stocks"].items()}
    assert weights == {"BBB": pytest.approx(0.405), "AAA": pytest.approx(0.135), "CCC": pytest.approx(0.36)}
    assert [s["rank"] for s in found["screens"]["a"]["stocks"]] == [2, 1]
    assert found["metadata"]["targets"]["cash"] == pytest.approx(0.1, abs=1e-9)
    before = read_bytes(uri)
    assert read_bytes(set_targets(one)) == before


def test_defaults_are_those_of_the_issue(tmp_path: Path) -> None:
    one = run(tmp_path, portfolio())
    prepared(one.folder)
    found = read_json(set_targets(one))
    # Three names under a cap of 10 %: 30 % invested, times 0.98.
    assert found["metadata"]["targets"]["total"] == pytest.approx(0.294, abs=1e-11)
    assert found["metadata"]["targets"]["top_n"] == 30
    assert found["screens"]["a"]["stocks"][1]["allocation_target"] == pytest.approx(290 / 571)


def test_a_change_that_is_no_percentage_names_file_and_ticker(tmp_path: Path) -> None:
    one = run(tmp_path)
    document = universe(a=[stock("AAA", price_180d_change="high")])
    document["metadata"]["portfolio_optimization"] = {"optimal_allocations": {"a": 1.0}}
    write_json(RunFolder(one.folder).stage("convert_currency"), document)
    with pytest.raises(InputError, match=r"convert_currency\.json, field 'AAA\.price_180d_change'.*found 'high'"):
        set_targets(one)


def test_the_real_universe_adds_up_where_the_old_system_did_not(tmp_path: Path, shared_data: Path) -> None:
    document = json.loads((shared_data / "uncle_stock" / "universe.json").read_text(encoding="utf-8"))
    assert math.fsum(s["final_target"] for s in document["all_stocks"].values()) > 1
    weights = {"quality_bloom": 0.7787, "TOR_Surplus": 0.0, "Moat_Companies": 0.2213}
    document["metadata"]["portfolio_optimization"] = {"optimal_allocations": weights}
    one = run(tmp_path, portfolio())
    write_json(RunFolder(one.folder).stage("convert_currency"), document)
    found = read_json(set_targets(one))
    total = math.fsum(s["final_target"] for s in found["all_stocks"].values())
    by_screen = {k: math.fsum(s["final_target"] for s in v["stocks"]) for k, v in found["screens"].items()}
    assert total == pytest.approx(0.98, abs=1e-9)
    assert math.fsum(by_screen.values()) == pytest.approx(total, abs=1e-9)
    assert by_screen == {key: pytest.approx(weight * 0.98, abs=1e-9) for key, weight in weights.items()}
    # Rank 29 of its screen: 38/29 of the line's 165, times 0.7787, times 0.98.
    row = next(s for s in found["screens"]["quality_bloom"]["stocks"] if s["ticker"] == "6095.T")
    assert row["rank"] == 29
    assert row["final_target"] == pytest.approx(38 / 29 / 165 * 0.7787 * 0.98, abs=1e-11)
