"""Broker names to adapters and list readers.

A broker's YAML names its class (`adapter: package.module:Class`) and its list's reader (`list_reader: package.module:function`),
perhaps a reader of hand-made lists of its ids (`handle_reader`). They are imported when asked for.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from include.brokers.base import Broker, BrokerContext, Capabilities
from include.brokers.listing import ListReader
from include.domain.account import Account
from include.domain.handle import Claim
from include.errors import InputError
from include.settings import no_adapter

HandleReader = Callable[[bytes, object], list[Claim]]  # file and its name in errors; raises `InputError`
Configs = Mapping[str, Mapping[str, Any]]


def broker_class(name: str, configs: Configs) -> type[Broker]:
    """The adapter class of a broker.

    Args:
        name: Broker name, e.g. `ibkr`.
        configs: `Settings.brokers`: broker name to the content of its YAML.

    Raises:
        InputError: The broker is not configured, has no `adapter`, or it cannot be imported.
    """
    if name in configs and "adapter" not in configs[name]:
        raise InputError(no_adapter(name), source=f"brokers/{name}.yaml", field="adapter")
    found, target = _imported(name, configs, "adapter", "Class")
    if not (isinstance(found, type) and issubclass(found, Broker)):
        raise InputError("expected a subclass of Broker", source=f"brokers/{name}.yaml", field="adapter", value=target)
    return found


def list_reader(name: str, configs: Configs) -> ListReader:
    """The function that reads a broker's list as its API sends it.

    Args:
        name: Broker name, e.g. `binance`.
        configs: `Settings.brokers`.

    Raises:
        InputError: The broker is not configured, has no list that can be read (IBKR cannot list), or its `list_reader` cannot be
            imported.
    """
    if name in configs and "list_reader" not in configs[name]:
        readable = ", ".join(sorted(other for other, config in configs.items() if config.get("list_reader")))
        expected = f"expected a broker whose list can be read: {readable}"
        raise InputError(expected, source=f"brokers/{name}.yaml", field="list_reader", value=name)
    found, target = _imported(name, configs, "list_reader", "function")
    if not callable(found):
        raise InputError("expected a function", source=f"brokers/{name}.yaml", field="list_reader", value=target)
    return cast(ListReader, found)


def handle_reader(name: str, configs: Configs) -> HandleReader | None:
    """The function that reads hand-made lists of a broker's ids in a form of its own; None where its YAML names none.

    Raises:
        InputError: The broker is not configured, or its `handle_reader` cannot be imported.
    """
    if name in configs and "handle_reader" not in configs[name]:
        return None
    return cast(HandleReader, _imported(name, configs, "handle_reader", "function")[0])


def _imported(name: str, configs: Configs, field: str, what: str) -> tuple[Any, str]:
    """(what the YAML names, the name). Raises `InputError`."""
    if name not in configs:
        raise InputError(f"expected one of {', '.join(sorted(configs))}", source="brokers", field="broker", value=name)
    target = str(configs[name].get(field, ""))
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute), target
    except (ImportError, AttributeError, ValueError) as error:
        expected = f"expected 'package.module:{what}': {error}"
        raise InputError(expected, source=f"brokers/{name}.yaml", field=field, value=target) from error


def declared_capabilities(configs: Configs, names: Sequence[str]) -> dict[str, Capabilities]:
    """What the adapters of brokers declare, without opening one.

    A broker that mirrors another trades what that one trades. Absent is a broker whose adapter cannot be imported (whoever opens
    it hears why; the others go on) or declares nothing before it is open.

    Args:
        configs: `Settings.brokers`.
        names: Of brokers.
    """
    found = {}
    for name in names:
        try:
            adapter = broker_class(str(configs.get(name, {}).get("mirrors") or name), configs)
        except InputError:
            continue
        declared = getattr(adapter, "capabilities", None)
        if isinstance(declared, Capabilities):
            found[name] = declared
    return found


def create_broker(account: Account, context: BrokerContext, configs: Configs) -> Broker:
    """An adapter for an account, not connected yet: use it as a context manager."""
    return broker_class(account.broker, configs)(account, context)
