"""Why a contract is not the instrument: one list, from far to near. Of several refused contracts the nearest tells the reason."""

# `conflicting_rows`: the list has two different things under one id; `no_native_id`: a row that cannot be traded by any id.
REFUSALS = (
    "market_mismatch",
    "currency_mismatch",
    "asset_class_mismatch",
    "name_mismatch",
    "isin_mismatch",
    "conflicting_rows",
    "no_native_id",
    "inactive",
    "not_tradable",
)
FITS = 0  # no refusal; the others are 1 + their place in the list
CODES = {reason: code for code, reason in enumerate(REFUSALS, start=1)}


def reason_of(code: int) -> str:
    """The word of a refusal's code."""
    return REFUSALS[code - 1]
