"""A broker's YAML, typed: the keys that mean the same everywhere, and those that its adapter declares as its own."""

import importlib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from include.domain.broker_limits import BrokerLimits
from include.domain.instrument import AssetClass
from include.domain.pacing import ANY, Pacing
from include.domain.terms import Terms
from include.errors import InputError
from include.settings.reading import parse

# Capitals with an underscore: a key that somebody wrote here himself is hardly ever taken for a variable's name.
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$")]


class Eligibility(BaseModel):
    """What a broker could trade at all (`eligible` in its YAML): empty lists mean everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regions: tuple[str, ...] = ()
    asset_classes: tuple[AssetClass, ...] = ()
    counts: bool = True


class BrokerFile(Terms):
    """The keys of a broker's YAML that mean the same everywhere (docs/adding-a-broker.md), with those of `Terms`.

    Attributes:
        adapter: `package.module:Class`; None: its list can be mapped, nothing more.
        list_reader / handle_reader: `package.module:function`.
        own_settings: `package.module:Model`, a pydantic model of the keys that are the adapter's own; None: it has none.
        enabled: False takes it out of the active brokers; `TRADING__<NAME>__ENABLED` wins.
        credentials: Our name of a credential to the variable that holds it.
        eligible: What it could trade at all.
        mirrors: The broker whose contracts and quotes it shows.
        risk_limits: What it may be sent at most.
        max_clock_skew_seconds: More than this between its clock and ours is a fault (`monitor_brokers`).
        pacing: Its limits, and what a request takes of them; required where the adapter declares `endpoints`.
    """

    adapter: str | None = None
    list_reader: str | None = None
    handle_reader: str | None = None
    own_settings: str | None = None
    enabled: bool = True
    credentials: dict[str, Variable] = Field(default_factory=dict)
    eligible: Eligibility = Eligibility()
    mirrors: str | None = None
    risk_limits: BrokerLimits = BrokerLimits()
    pacing: Pacing = Pacing()
    max_clock_skew_seconds: float = Field(2, gt=0)

    @property
    def terms(self) -> Terms:
        """What it declares about trading there, alone."""
        return Terms(**{name: getattr(self, name) for name in Terms.model_fields})


def broker_file(values: Mapping[str, Any], source: object) -> BrokerFile:
    """A broker's YAML, all of it checked.

    Args:
        values: Its content.
        source: The file's name in errors.

    Raises:
        InputError: A value of another type than its key has, or a key that neither the project nor the adapter declares.
    """
    known = BrokerFile.model_fields
    file = parse(BrokerFile, {key: value for key, value in values.items() if key in known}, source, None)
    own = {key: value for key, value in values.items() if key not in known}
    model = _own_model(file, source) if file.own_settings else None
    for key in own:
        if not isinstance(key, str) or model is None or key not in model.model_fields:
            names = [*known, *(model.model_fields if model else ())]
            raise InputError(_expected(str(key), names, model), source=source, field=str(key))
    if model is not None:
        parse(model, own, source, None)
    _check_pacing(file.pacing, frozenset(getattr(model, "endpoints", ())), source)
    return file


def _check_pacing(pacing: Pacing, endpoints: frozenset[str], source: object) -> None:
    """A weight of an endpoint that nobody asks by that name would limit nothing, and so would no limit at all."""
    if endpoints and not pacing.limits:
        raise InputError("expected `limits` and `weights`: who asks too fast is cut off", source=source, field="pacing")
    for field, expected in pacing.faults():
        raise InputError(expected, source=source, field=f"pacing.{field}")
    for endpoint in pacing.weights:
        if endpoint not in endpoints | {ANY}:
            expected = f"expected an endpoint of the adapter: {', '.join(sorted(endpoints | {ANY}))}"
            raise InputError(expected, source=source, field=f"pacing.weights.{endpoint}")


def _expected(key: str, names: list[str], model: type[BaseModel] | None) -> str:
    if similar := get_close_matches(key, names, n=1):
        return f"expected {similar[0]!r}, or a key that the model in `own_settings` declares"
    declared = f"{model.__name__} declares {', '.join(sorted(model.model_fields))}" if model else "there is no `own_settings`"
    return f"expected one of {', '.join(BrokerFile.model_fields)}, or a key of the adapter's own: {declared}"


def _own_model(file: BrokerFile, source: object) -> type[BaseModel]:
    module, _, name = str(file.own_settings).partition(":")
    try:
        model = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        expected = f"expected 'package.module:Model': {error}"
        raise InputError(expected, source=source, field="own_settings", value=file.own_settings) from error
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise InputError("expected a pydantic model", source=source, field="own_settings", value=file.own_settings)
    return model
