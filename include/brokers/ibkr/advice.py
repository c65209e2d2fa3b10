"""What a person can do where TWS cannot be reached: the end of a message about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.brokers.credentials import whence
from include.domain.account import Account

# As they are set when TWS and IB Gateway are installed (interactivebrokers.github.io/tws-api/initial_setup.html).
PORTS = "TWS 7496 live, 7497 paper; Gateway 4001 live, 4002 paper"


@dataclass(frozen=True)
class Advice:
    """Ends of messages, each with what stands before it; "" for none.

    Attributes:
        address: Nobody answers at host and port.
        client_ids: Every client id is in use.
        wrong_account: The login is another one than the account claims.
    """

    address: str = ""
    client_ids: str = ""
    wrong_account: str = ""


NO_ADVICE = Advice()


def advice_for(config: Mapping[str, Any], account: Account, *, for_orders: bool) -> Advice:
    """Advice that names the variables and the Connection of an account."""
    where = whence(config, account, "host", "port")
    ids = f"client_ids in ibkr.yaml, {whence(config, account, 'client_id')}" if for_orders else "client_ids.reading in ibkr.yaml"
    return Advice(
        address=f". Is TWS or IB Gateway running there and logged in, is its API switched on (Configure > API > Settings: "
        f'"Enable ActiveX and Socket Clients"), and is the port its own ({PORTS})? Host and port: {where}',
        client_ids=f": end the program that holds one, or name others ({ids})",
        wrong_account=f". Log TWS in to a {account.environment.value} account or look at another address ({where}); what is "
        f"claimed is `environment` of account {account.account_id} in the portfolio's YAML",
    )
