"""What the failures mean for the run: go on, ask a person, or stop."""

from collections.abc import Sequence

from include.domain.coverage import Coverage, Member
from include.quality.gate import Failure
from include.quality.suites import APPROVAL, FAIL, MULTI_BROKER
from include.settings import Options

PASS, ASK, STOP = "pass", "approval", "fail"


def decide(failures: Sequence[Failure], coverage: Coverage, options: Options) -> tuple[str, list[str]]:
    """(decision, reasons): `fail` on anything critical; below the approval threshold what `on_low_coverage` says; else `pass`.

    A pass may have reasons too: they are for the report.
    """
    reasons, decision = [], PASS
    for failure in failures:
        if failure.rule == FAIL:
            reasons.append(low(coverage, options.coverage_fail_pct))
        elif failure.rule == APPROVAL:
            if not any(other.rule == FAIL for other in failures):
                reasons.append(f"{low(coverage, options.coverage_approval_pct)}; on_low_coverage is {options.on_low_coverage}")
            decision = {"approve": ASK, "block": STOP, "allow": PASS}[options.on_low_coverage]
        elif failure.rule == MULTI_BROKER:
            reasons.append(
                f"only {coverage.multi_broker_pct:g} % of the instruments that two brokers could trade were found at two "
                f"(warning under {options.multi_broker_warning_pct:g} %)"
            )
        else:
            reasons.append(f"{failure.suite}: {failure.said}")
    if any(failure.severity == "critical" for failure in failures):
        decision = STOP
    return decision, reasons


def low(coverage: Coverage, threshold: float) -> str:
    """The figure against its threshold, in words."""
    return (
        f"coverage {coverage.coverage_pct:g} % is under {threshold:g} % "
        f"(by count {coverage.by_count_pct:g} %, by weight {coverage.by_weight_pct:g} %)"
    )


def heaviest(missing: Sequence[Member], most: int = 10) -> str:
    """The heaviest names that were not found, for a message; "" for none."""
    named = [f"{row.ticker} {row.name} ({100 * row.weight:.2f} %: {_why(row)})" for row in missing[:most]]
    return "; ".join(named) + (f"; and {len(missing) - most} more" if len(missing) > most else "")


def _why(row: Member) -> str:
    return ", ".join(f"{broker} {reason}" for broker, reason in sorted(row.reasons.items())) or "no broker could trade it"
