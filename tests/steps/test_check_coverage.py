from pathlib import Path
from typing import Any

import pytest

from include.domain.run import Run
from include.errors import InputError, NotPermitted
from include.mapping.merge import instruments_of, merge, unavailable
from include.settings import Options, load_settings
from include.steps.check_coverage import check_coverage
from include.storage.artifacts import exists, read_json, write_json
from include.storage.run_folder import RunFolder
from tests.mapping.documents import FACTS, hit, miss, stock, universe
from tests.steps.mapping_run import make_run

SETTINGS = load_settings()


def mapped_run(root: Path, found: int, of: int, *, policy: str = "approve", second: int | None = None, **changes: Any) -> Run:
    """A run whose universe has `of` equally heavy rows, `found` of them at IBKR, `second` (or all those) at Alpaca too."""
    options = Options(on_low_coverage=policy).model_dump(mode="json")  # type: ignore[arg-type]
    run = make_run(root, options=options)
    document = universe(*(stock(f"T{n}", 1 / of) for n in range(of)), **changes)
    both = found if second is None else second
    by_broker = {
        "ibkr": [hit(f"T{n}", native_id=str(n + 1)) if n < found else miss(f"T{n}") for n in range(of)],
        "alpaca": [hit(f"T{n}", "alpaca", f"id{n}") if n < both else miss(f"T{n}", "alpaca", "inactive") for n in range(of)],
        "paper": [hit(f"T{n}", "paper", str(n + 1)) for n in range(of)],
    }
    write_json(RunFolder(run.folder).universe_mapped, _merged(document, by_broker))
    return run


def _merged(document: dict[str, Any], by_broker: dict[str, Any]) -> dict[str, Any]:
    return merge(document, by_broker, SETTINGS.eligibility, SETTINGS.preferences, SETTINGS.markets, "t", FACTS)


def test_enough(tmp_path: Path) -> None:
    run = mapped_run(tmp_path, 9, 10)
    result = check_coverage(run, SETTINGS)
    assert result == {"uri": f"{run.folder}/coverage.json", "decision": "pass", "coverage_pct": 90.0, "reasons": []}
    written = read_json(result["uri"])
    assert (written["by_count_pct"], written["by_weight_pct"], written["multi_broker_pct"]) == (90.0, 90.0, 90.0)
    assert written["missing"] == [
        {"ticker": "T9", "name": "T9 Inc", "weight": 0.1, "reasons": {"alpaca": "inactive", "ibkr": "symbol_not_found"}}
    ]
    assert written["per_broker"]["paper"]["counts"] is False
    assert written["thresholds"] == {"fail_pct": 70.0, "approval_pct": 85.0, "multi_broker_warning_pct": 60.0}
    assert exists(f"{run.folder}/data_docs/index.html")


@pytest.mark.parametrize(("policy", "decision"), [("approve", "approval"), ("allow", "pass")])
def test_between_the_thresholds(tmp_path: Path, policy: str, decision: str) -> None:
    result = check_coverage(mapped_run(tmp_path, 8, 10, policy=policy), SETTINGS)
    assert result["decision"] == decision
    assert result["reasons"] == [f"coverage 80 % is under 85 % (by count 80 %, by weight 80 %); on_low_coverage is {policy}"]


def test_between_the_thresholds_and_blocked(tmp_path: Path) -> None:
    run = mapped_run(tmp_path, 8, 10, policy="block")
    with pytest.raises(NotPermitted, match=r"nothing is planned: coverage 80 % is under 85 %"):
        check_coverage(run, SETTINGS)
    assert read_json(RunFolder(run.folder).coverage)["decision"] == "fail"


@pytest.mark.parametrize("policy", ["approve", "allow", "block"])
def test_too_little(tmp_path: Path, policy: str) -> None:
    run = mapped_run(tmp_path, 6, 10, policy=policy)
    with pytest.raises(NotPermitted, match=r"coverage 60 % is under 70 %.* Not found: T6 T6 Inc \(10.00 %: alpaca inactive"):
        check_coverage(run, SETTINGS)
    assert read_json(RunFolder(run.folder).coverage)["decision"] == "fail"
    assert exists(f"{run.folder}/data_docs/index.html")


@pytest.mark.parametrize(("found", "of", "decision"), [(14, 20, "approval"), (17, 20, "pass")])
def test_the_thresholds_themselves_are_enough(tmp_path: Path, found: int, of: int, decision: str) -> None:
    assert check_coverage(mapped_run(tmp_path, found, of), SETTINGS)["decision"] == decision


def test_rejected_rows_are_in_the_denominator(tmp_path: Path) -> None:
    rejected = [{"file": "a.csv", "line": n, "ticker": f"R{n}", "reason": "price"} for n in range(2)]
    result = check_coverage(mapped_run(tmp_path, 9, 10, rejected=rejected), SETTINGS)
    assert (result["coverage_pct"], result["decision"]) == (75.0, "approval")


def test_few_second_brokers_are_only_said(tmp_path: Path) -> None:
    result = check_coverage(mapped_run(tmp_path, 10, 10, second=5), SETTINGS)
    assert result["decision"] == "pass"
    assert result["reasons"] == [
        "only 50 % of the instruments that two brokers could trade were found at two (warning under 60 %)"
    ]


def test_two_instruments_on_one_contract_stop_the_run(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    document = universe(stock("AAPL", 0.5), stock("MSFT", 0.5))
    twice = {"ibkr": [hit("AAPL", native_id="7"), hit("MSFT", native_id="7")]}
    write_json(RunFolder(run.folder).universe_mapped, _merged(document, twice))
    with pytest.raises(NotPermitted, match=r"found: expect_compound_columns_to_be_unique"):
        check_coverage(run, SETTINGS)


def test_a_broker_that_is_away_lowers_only_its_own(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    document = universe(stock("AAPL", 0.5), stock("MSFT", 0.5))
    away = {"ibkr": [hit("AAPL", native_id="7"), hit("MSFT", native_id="8")]}
    both = {**away, "alpaca": unavailable(instruments_of(document), "alpaca")}
    write_json(RunFolder(run.folder).universe_mapped, _merged(document, both))
    result = check_coverage(run, SETTINGS)
    assert (result["decision"], result["coverage_pct"]) == ("pass", 100.0)
    written = read_json(result["uri"])
    assert written["brokers_unavailable"] == ["alpaca"]
    assert written["per_broker"]["alpaca"]["status"] == "unavailable"
    assert [row["ticker"] for row in written["partial"]] == ["AAPL", "MSFT"]


def test_only_paper_covers_nothing(tmp_path: Path) -> None:
    run = make_run(tmp_path, brokers=("paper",))
    document = universe(stock("AAPL", 0.5))
    write_json(RunFolder(run.folder).universe_mapped, _merged(document, {"paper": [hit("AAPL", "paper")]}))
    alone = r"no broker of this run counts \(paper\): one that mirrors another is run beside the one it mirrors"
    with pytest.raises(NotPermitted, match=rf"coverage 0 % is under 70 % .*; {alone}"):
        check_coverage(run, SETTINGS)


def test_nothing_merged(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"universe_mapped.json"):
        check_coverage(make_run(tmp_path), SETTINGS)


def test_options_that_are_none_are_named(tmp_path: Path) -> None:
    run = mapped_run(tmp_path, 9, 10)
    broken = run.model_copy(update={"options": {**run.options, "coverage_fail_pct": "much"}})
    with pytest.raises(InputError, match=r"options.coverage_fail_pct"):
        check_coverage(broken, SETTINGS)
