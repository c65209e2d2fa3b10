import pytest

from include.mapping.coverage import measure
from include.quality.decision import decide, heaviest
from include.quality.gate import Failure
from include.settings import Options
from tests.mapping.test_coverage import member

FAIL = Failure("coverage", "coverage_fail", "critical", "...")
APPROVAL = Failure("coverage", "coverage_approval", "warning", "...")
MULTI = Failure("coverage", "multi_broker", "warning", "...")
SANITY = Failure("found", "sanity", "critical", "expect_unique: found 7")
COVERAGE = measure([member("A"), member("B"), member("C", found="ibkr"), member("D", found="")], 0)  # 75 %


def decision(*failures: Failure, policy: str = "approve") -> str:
    return decide(failures, COVERAGE, Options(on_low_coverage=policy))[0]  # type: ignore[arg-type]


def test_nothing_failed() -> None:
    assert decide([], COVERAGE, Options()) == ("pass", [])


@pytest.mark.parametrize(("policy", "expected"), [("approve", "approval"), ("block", "fail"), ("allow", "pass")])
def test_between_the_thresholds_the_policy_decides(policy: str, expected: str) -> None:
    assert decision(APPROVAL, policy=policy) == expected


@pytest.mark.parametrize("policy", ["approve", "block", "allow"])
def test_critical_stops_whatever_the_policy(policy: str) -> None:
    assert decision(FAIL, APPROVAL, policy=policy) == "fail"
    assert decision(SANITY, policy=policy) == "fail"


def test_a_multi_broker_warning_only_says_something() -> None:
    made, reasons = decide([MULTI], COVERAGE, Options())
    assert made == "pass"
    assert reasons == ["only 50 % of the instruments that two brokers could trade were found at two (warning under 60 %)"]


def test_reasons_name_figure_and_threshold_once() -> None:
    assert decide([FAIL, APPROVAL], COVERAGE, Options())[1] == ["coverage 75 % is under 70 % (by count 75 %, by weight 75 %)"]
    allowed = decide([APPROVAL], COVERAGE, Options(on_low_coverage="allow"))[1]
    assert allowed == ["coverage 75 % is under 85 % (by count 75 %, by weight 75 %); on_low_coverage is allow"]
    assert decide([SANITY], COVERAGE, Options())[1] == ["found: expect_unique: found 7"]


def test_heaviest_names() -> None:
    figures = measure([member(f"T{n:02}", f"0.{n:02}", found="") for n in range(12)], 0)
    text = heaviest(figures.missing)
    assert text.startswith("T11 T11 Inc (11.00 %: no broker could trade it); T10 T10 Inc (10.00 %")
    assert text.endswith("; and 2 more")
    assert "T02" in text
    assert "T01" not in text
    assert heaviest([]) == ""
