"""Credentials: where they come from, and that nobody sees them.

`include/config/brokers/<name>.yaml` holds `credentials: {api_key: ALPACA_API_KEY, ...}`: our name of a credential, and the
variable that holds it. A new broker needs its table and no code. An Airflow Connection is the other source (`include/hooks/`).
"""

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from include.domain.account import Account
from include.errors import InputError, PolybrokerError

# What is no secret; everything else is.
_PLAIN = frozenset({"host", "port", "client_id", "app_id", "base_url", "data_url", "token_url", "account", "environment"})
_SHORTEST = 4  # a shorter value would be masked in the middle of words
MASK = "***"


class Keys(Mapping[str, str]):
    """Credentials by our names. They can be read one by one; shown as a whole, or pickled, they cannot be."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Keys({', '.join(f'{name}={MASK}' for name in self._values)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are never written anywhere")

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must show nowhere, the longest first."""
        found = {value for name, value in self._values.items() if name not in _PLAIN and len(value) >= _SHORTEST}
        return tuple(sorted(found, key=lambda value: (-len(value), value)))


def scrub(error: PolybrokerError, secrets: tuple[str, ...]) -> None:
    """Mask secrets in the words of an error and of every error behind it: a client library may quote what it was given."""
    seen: set[int] = set()
    behind: list[BaseException | None] = [error]
    while behind:
        one = behind.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.args = tuple(_masked(word, secrets) for word in one.args)
        if isinstance(one, PolybrokerError):
            one.context = {name: str(_masked(value, secrets)) for name, value in one.context.items()}
        if any(secret in str(one) + repr(one) for secret in secrets):  # it keeps its words elsewhere: it is told no further
            error.__cause__, error.__suppress_context__ = None, True
        behind += [one.__cause__, one.__context__]


def _masked(word: object, secrets: tuple[str, ...]) -> object:
    text = word if isinstance(word, str) else repr(word)
    if not any(secret in text for secret in secrets):
        return word
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def credentials_from_environment(config: Mapping[str, Any], environ: Mapping[str, str], account: Account | None = None) -> Keys:
    """What `BrokerContext.credentials` takes, as far as the environment has it.

    Args:
        config: The broker's YAML as a dict. Without a `credentials` table (a broker in process) there are none: {}.
        environ: Usually `os.environ`.
        account: One that names a `connection` has variables of its own (`ALPACA_API_KEY__SECOND`) and never takes another's.

    Returns:
        Our name -> value, surrounding blanks dropped. Variables that are missing or empty are left out: whether the broker can do
        without is its adapter's business.

    Raises:
        InputError: The table is no mapping of names to names of variables; an account names a connection, and not one of its
            variables is set.
    """
    table = config.get("credentials") or {}
    if not isinstance(table, Mapping):
        raise InputError("expected a mapping such as {api_key: MY_BROKER_API_KEY}", source=_source(config), field="credentials")
    suffix = account.variable_suffix if account else ""
    found: dict[str, str] = {}
    for name, variable in table.items():
        if not isinstance(name, str) or not isinstance(variable, str) or not variable:
            raise InputError("expected the name of a variable", source=_source(config), field=f"credentials.{name}")
        value = environ.get(variable + suffix, "").strip()
        if value:
            found[name] = value
    if account and suffix and table and not found:
        wanted = ", ".join(f"{variable}{suffix}" for variable in table.values())
        expected = f"expected the Airflow Connection {account.connection!r}, or variables out of {wanted}"
        raise InputError(expected, source=f"account {account.account_id}", field="connection")
    return Keys(found)


def whence(config: Mapping[str, Any], account: Account, *names: str) -> str:
    """Where a person sets credentials of an account, for messages: `IB_HOST, IB_PORT, or the Connection polybroker_ibkr`.

    Args:
        config: The broker's YAML as a dict; a name that its table does not have is told as it is.
        names: Ours.
    """
    table = config.get("credentials") or {}
    variables = [f"{table[name]}{account.variable_suffix}" if name in table else name for name in names]
    return f"{', '.join(variables)}, or the Connection {account.connection or f'polybroker_{account.broker}'}"


def _source(config: Mapping[str, Any]) -> str:
    return f"the YAML of {config.get('adapter', 'a broker')}"
