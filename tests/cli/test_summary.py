from pathlib import Path

from include.cli.summary import summary
from include.storage.artifacts import write_json
from include.storage.run_folder import RunFolder


def test_a_run_that_got_nowhere_has_its_report(tmp_path: Path) -> None:
    assert summary(RunFolder((tmp_path / "a b").as_uri())) == [f"report: {tmp_path}/a b/report.md"]


def test_a_whole_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path.as_uri())
    figures = {"coverage_pct": 95.427, "by_count_pct": 98.4, "by_weight_pct": 95.427, "decision": "pass", "missing": [{}, {}]}
    write_json(folder.coverage, figures)
    one = {"base_currency": "EUR", "orders": [{"notional": "1500.40"}, {"notional": "2000"}], "held": [{}], "run_id": "r2"}
    other = {**one, "orders": [{"notional": "7"}], "held": [], "run_id": "r1"}
    write_json(folder.run, {"run_id": "r2"})
    write_json(folder.orders, {"portfolios": {"main": one, "shadow": other}})
    drift = {
        "main": {"drift_before_pct": 98.0, "drift_after_pct": 6.2775},
        "shadow": {"drift_before_pct": None, "drift_after_pct": None},
    }
    total = {"planned": 3, "held": 0, "sent": 3, "filled": 2, "partially_filled": 1}
    write_json(folder.execution_report, {"total": total, "drift": drift})
    assert summary(folder) == [
        "coverage 95.43 % (by count 98.40 %, by weight 95.43 %): pass; not found 2",
        "main: 2 orders worth 3,500 EUR, 1 held back",
        "shadow: 1 order worth 7 EUR (planned by r1; that plan of the session stands)",
        "orders: planned 3, sent 3, filled 2, partially filled 1",
        "drift of main: 98.00 % before, 6.28 % after",
        f"report: {tmp_path}/report.md",
    ]


def test_nothing_to_do(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path.as_uri())
    write_json(folder.execution_report, {"total": {"planned": 0, "sent": 0}, "drift": {}})
    assert summary(folder)[0] == "orders: none"
