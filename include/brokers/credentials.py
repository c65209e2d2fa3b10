"""Credentials from variables of the environment, by the names that the broker's YAML lists.

`include/config/brokers/<name>.yaml` holds `credentials: {api_key: ALPACA_API_KEY, ...}`: our name of a credential, and the
variable that holds it. A new broker needs its table and no code. An Airflow Connection is the other source (`include/hooks/`).
"""

from collections.abc import Mapping
from typing import Any

from include.errors import InputError


def credentials_from_environment(config: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """What `BrokerContext.credentials` takes, as far as the environment has it.

    Args:
        config: The broker's YAML as a dict. Without a `credentials` table (a broker in process) there are none: {}.
        environ: Usually `os.environ`.

    Returns:
        Our name -> value, surrounding blanks dropped. Variables that are missing or empty are left out: whether the broker can do
        without is its adapter's business.

    Raises:
        InputError: The table is no mapping of names to names of variables.
    """
    table = config.get("credentials") or {}
    if not isinstance(table, Mapping):
        raise InputError("expected a mapping such as {api_key: MY_BROKER_API_KEY}", source=_source(config), field="credentials")
    found: dict[str, str] = {}
    for name, variable in table.items():
        if not isinstance(name, str) or not isinstance(variable, str) or not variable:
            raise InputError("expected the name of a variable", source=_source(config), field=f"credentials.{name}")
        value = environ.get(variable, "").strip()
        if value:
            found[name] = value
    return found


def _source(config: Mapping[str, Any]) -> str:
    return f"the YAML of {config.get('adapter', 'a broker')}"
