"""What Alpaca tells that an account cannot do, beside what the adapter declares of any account.

Fields of GET /v2/account and GET /v2/account/configurations (docs.alpaca.markets/reference/getaccount-1, /getaccountconfig-1).
One that is missing, or holds something else than documented, takes nothing away.
"""

from collections.abc import Mapping
from typing import Any

from include.brokers.capabilities import Capabilities
from include.domain.instrument import AssetClass

_BLOCKED = {
    "account_blocked": "Alpaca has blocked the account (account_blocked)",
    "trading_blocked": "Alpaca has blocked trading (trading_blocked)",
    "trade_suspended_by_user": "trading is suspended by the user (trade_suspended_by_user)",
    "suspend_trade": "trading is suspended in the account's configuration (suspend_trade)",
}
_LEVELS = ("options_trading_level", "options_approved_level", "max_options_trading_level")
_SHARES = frozenset({AssetClass.STOCK, AssetClass.ETF})


def discovered(declared: Capabilities, account: Mapping[str, Any], configuration: Mapping[str, Any]) -> Capabilities:
    """What is declared, less what the account cannot do.

    Args:
        declared: Of any account.
        account: Answer of GET /v2/account.
        configuration: Answer of GET /v2/account/configurations; {} where it was not read.
    """
    told = {**configuration, **account}
    blocked = [words for name, words in _BLOCKED.items() if told.get(name) is True]
    if blocked:
        return declared.without(dict.fromkeys(declared.asset_classes, "; ".join(blocked)))
    able = declared.without(_kinds(told))
    if told.get("shorting_enabled") is False or told.get("no_shorting") is True:
        able = able.less(_SHARES, shorting=False)
    if told.get("fractional_trading") is False:
        able = able.less(_SHARES, fractional=False, cash_amounts=False)
    return able


def _kinds(told: Mapping[str, Any]) -> dict[str, str]:
    gone: dict[str, str] = {}
    crypto = told.get("crypto_status")
    if isinstance(crypto, str) and crypto != "ACTIVE":
        gone[AssetClass.CRYPTO] = f"Alpaca has not activated crypto (crypto_status {crypto[:40]})"
    levels = [name for name in _LEVELS if told.get(name) == 0 and not isinstance(told.get(name), bool)]
    if levels:
        gone[AssetClass.OPTION] = f"Alpaca has not approved options ({levels[0]} 0)"
    return gone
