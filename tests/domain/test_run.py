from pathlib import Path

import pytest

from tests.allocation.documents import portfolio, run


def test_accounts_of_all_portfolios_sorted(tmp_path: Path) -> None:
    one = run(tmp_path, portfolio("main", ("b", "c")), portfolio("shadow", ("a",)))
    assert one.account_ids == ["a", "b", "c"]


def test_an_account_leads_to_its_portfolio(tmp_path: Path) -> None:
    one = run(tmp_path, portfolio("main", ("b", "c")), portfolio("shadow", ("a",)))
    assert [one.portfolio_of(name).portfolio_id for name in ("a", "b", "c")] == ["shadow", "main", "main"]
    with pytest.raises(KeyError, match="other"):
        one.portfolio_of("other")
