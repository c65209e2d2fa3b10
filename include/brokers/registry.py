"""Broker names to adapters: a broker's YAML names its class (`adapter: package.module:Class`), imported when asked for."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from include.brokers.base import Broker, BrokerContext, Capabilities
from include.domain.account import Account
from include.errors import InputError


def broker_class(name: str, configs: Mapping[str, Mapping[str, Any]]) -> type[Broker]:
    """The adapter class of a broker.

    Args:
        name: Broker name, e.g. `ibkr`.
        configs: `Settings.brokers`: broker name to the content of its YAML.

    Raises:
        InputError: The broker is not configured, or its `adapter` cannot be imported.
    """
    if name not in configs:
        raise InputError(f"expected one of {', '.join(sorted(configs))}", source="ACTIVE_BROKERS", field="broker", value=name)
    target = str(configs[name].get("adapter", ""))
    module, _, attribute = target.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"expected 'package.module:Class' of an adapter: {error}",
            source=f"brokers/{name}.yaml",
            field="adapter",
            value=target,
        ) from error
    if not (isinstance(found, type) and issubclass(found, Broker)):
        raise InputError("expected a subclass of Broker", source=f"brokers/{name}.yaml", field="adapter", value=target)
    return found


def declared_capabilities(configs: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> dict[str, Capabilities]:
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


def create_broker(account: Account, context: BrokerContext, configs: Mapping[str, Mapping[str, Any]]) -> Broker:
    """An adapter for an account, not connected yet: use it as a context manager."""
    return broker_class(account.broker, configs)(account, context)
