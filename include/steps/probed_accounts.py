"""Which accounts are looked at by `monitor_brokers`."""

from include.settings import Settings


def probed_accounts(settings: Settings) -> list[str]:
    """Ids of the accounts of all portfolios, sorted; accounts of brokers that are not active are left alone.

    Raises:
        InputError: The settings are wrong.
    """
    accounts = [account for portfolio in settings.portfolios for account in portfolio.accounts]
    return sorted(account.account_id for account in accounts if account.broker in settings.active_brokers)
