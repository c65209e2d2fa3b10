"""Broker names to adapters: a broker's YAML names its class (`adapter: package.module:Class`), imported when asked for."""

import importlib
from collections.abc import Mapping
from typing import Any

from include.brokers.base import Broker, BrokerContext
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


def create_broker(account: Account, context: BrokerContext, configs: Mapping[str, Mapping[str, Any]]) -> Broker:
    """An adapter for an account, not connected yet: use it as a context manager."""
    return broker_class(account.broker, configs)(account, context)
