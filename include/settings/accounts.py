"""What must hold of portfolios and their accounts beyond the shape of the files."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from include.domain.account import Account
from include.domain.portfolio import Portfolio
from include.errors import InputError

_FILE_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_portfolio(portfolio: Portfolio, path: Path) -> None:
    """Nothing where a portfolio has accounts, all of its own environment, under names that can be files.

    Raises:
        InputError: It has not.
    """
    _check_id(portfolio.portfolio_id, path, "portfolio_id")
    if not portfolio.accounts:
        raise InputError("expected at least one account", source=path, field="accounts")
    for account in portfolio.accounts:
        field = f"accounts.{account.account_id}"
        _check_id(account.account_id, path, f"{field}.account_id")
        if account.environment != portfolio.environment:
            expected = f"expected environment {portfolio.environment.value!r} like the portfolio's"
            raise InputError(expected, source=path, field=f"{field}.environment", value=account.environment.value)


def check_distinct(accounts: Sequence[Account], with_login: frozenset[str], folder: Path) -> None:
    """Nothing where every account is named once, and no two are one at the broker: each would spend the other's cash.

    Args:
        accounts: Of all portfolios.
        with_login: Brokers that are logged in to.
        folder: Of the portfolios' files.

    Raises:
        InputError: Two are one.
    """
    ids = [account.account_id for account in accounts]
    for account_id in ids:
        if ids.count(account_id) > 1:
            raise InputError("expected each account once", source=folder, field="account_id", value=account_id)
    known: dict[tuple[Any, ...], str] = {}
    for account in accounts:
        connection = account.variable_suffix or f"__POLYBROKER_{account.broker.upper()}"
        login = (account.environment, account.broker, connection, account.broker_account)
        if account.broker in with_login and login in known:
            expected = f"expected a connection or broker_account that {known[login]} does not have: both are one account"
            raise InputError(expected, source=folder, field="account_id", value=account.account_id)
        known[login] = account.account_id


def _check_id(name: str, path: Path, field: str) -> None:
    if not _FILE_SAFE.fullmatch(name):  # it becomes part of file names
        expected = "expected letters, digits, '.', '_' and '-', a letter or digit first"
        raise InputError(expected, source=path, field=field, value=name)
