"""The expectations of step 8, each with what its failure means: `critical` stops the run, `warning` asks or is only said."""

from typing import Any

from include.domain.mapping import MappingStatus
from include.quality.engine import great_expectations
from include.settings import Options

# Which expectation a failure was, by the `meta` that Great Expectations carries through.
FAIL, APPROVAL, MULTI_BROKER, SANITY = "coverage_fail", "coverage_approval", "multi_broker", "sanity"


def coverage_suite(options: Options) -> list[Any]:
    """Over `coverage_frame`: the thresholds, and that the figures are figures."""
    gxe = great_expectations().expectations

    def least(column: str, value: float, severity: str, rule: str, notes: str) -> Any:
        return gxe.ExpectColumnValuesToBeBetween(
            column=column, min_value=value, severity=severity, meta={"rule": rule}, notes=notes
        )

    return [
        least("coverage_pct", options.coverage_fail_pct, "critical", FAIL, "Below this nothing is planned."),
        least(
            "coverage_pct", options.coverage_approval_pct, "warning", APPROVAL, "Below this a person has to approve the orders."
        ),
        least(
            "multi_broker_pct", options.multi_broker_warning_pct, "warning", MULTI_BROKER, "Few instruments have a second broker."
        ),
        least("instruments", 1, "critical", SANITY, "A universe without instruments is no universe."),
        *(
            gxe.ExpectColumnValuesToBeBetween(
                column=column, min_value=0, max_value=100, severity="critical", meta={"rule": SANITY}, notes="A percentage."
            )
            for column in ("by_count_pct", "by_weight_pct")
        ),
    ]


def mapping_suite() -> list[Any]:
    """Over `mapping_frame`: every row says something that can be true."""
    gxe = great_expectations().expectations

    statuses = [status.value for status in MappingStatus]
    sane: dict[str, Any] = {"severity": "critical", "meta": {"rule": SANITY}}
    return [
        gxe.ExpectColumnValuesToBeInSet(column="status", value_set=statuses, notes="The five words of a mapping.", **sane),
        gxe.ExpectColumnValuesToBeBetween(column="weight", min_value=0, max_value=1, notes="A share of the portfolio.", **sane),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["broker", "ticker"], notes="Each broker answers once per row.", **sane),
    ]


def found_suite() -> list[Any]:
    """Over `found_frame`: what was found has an id of its own, and no ISIN that says otherwise."""
    gxe = great_expectations().expectations

    sane: dict[str, Any] = {"severity": "critical", "meta": {"rule": SANITY}}
    return [
        gxe.ExpectColumnValuesToNotBeNull(column="native_id", notes="Found means that there is a contract.", **sane),
        gxe.ExpectColumnValuesToNotMatchRegex(
            column="native_id", regex=r"(?:^|:)\s*0*\s*$", notes="conId 0 is no contract.", **sane
        ),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["broker", "native_id"], notes="No contract is two instruments.", **sane),
        gxe.ExpectColumnPairValuesToBeEqual(
            column_A="isin",
            column_B="contract_isin",
            ignore_row_if="either_value_is_missing",
            notes="No contradicting ISIN.",
            **sane,
        ),
    ]


def matched_suite() -> list[Any]:
    """Over `matched_frame`: the wanted listing is in the wanted currency."""
    gxe = great_expectations().expectations

    return [
        gxe.ExpectColumnPairValuesToBeEqual(
            column_A="currency",
            column_B="contract_currency",
            ignore_row_if="neither",
            severity="critical",
            meta={"rule": SANITY},
            notes="Another currency is another listing.",
        )
    ]
