"""The wanted instruments as columns: taken apart once, matched with every broker's contracts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from include.domain.instrument import Instrument
from include.domain.market import Market
from include.errors import InputError
from include.mapping.columns import Mask, Rows
from include.mapping.names import Names, parse_names
from include.mapping.symbols import QUOTED_IN_PAIRS, canonical, keys, share_class, stem

IDENTITIES = ("isin", "share_class_figi", "figi", "cusip")  # in order of strength


@dataclass(frozen=True)
class Wanted:
    """Instruments, one row each.

    Attributes:
        instruments: As they were given, each ticker once.
        instrument_id / currency / market / region / asset_class: One value per row.
        identities: Column by name of `IDENTITIES`; null where it is not known.
        names: Their names, taken apart.
        share_class: From the ticker (`BRK-B`), else from the name, else null.
        squeezed_symbol: The ticker without market and separators (`BRKB`).
        is_pair: Crypto and currency pairs are their symbol; they have no company name.
        key_rows / keys: Every canonical symbol under which a row's contract may be listed, and the row.
    """

    instruments: Sequence[Instrument]
    instrument_id: pa.Array
    currency: pa.Array
    market: pa.Array
    region: pa.Array
    asset_class: pa.Array
    identities: Mapping[str, pa.Array]
    names: Names
    share_class: pa.Array
    squeezed_symbol: pa.Array
    is_pair: Mask
    key_rows: Rows
    keys: pa.Array

    def __len__(self) -> int:
        return len(self.instruments)

    @classmethod
    def of(cls, instruments: Sequence[Instrument], markets: Mapping[str, Market]) -> "Wanted":
        """Take instruments apart.

        Raises:
            InputError: One names a market that is not configured.
        """
        for instrument in instruments:
            if instrument.market not in markets:
                expected = "expected a market of markets.yaml"
                raise InputError(expected, source=instrument.ticker, field="market", value=instrument.market)
        names = parse_names([instrument.name for instrument in instruments])
        stems = [stem(instrument.ticker, markets[instrument.market]) for instrument in instruments]
        named = names.share_class.to_pylist()
        spelled = [sorted(keys(instrument, markets[instrument.market])) for instrument in instruments]
        return cls(
            instruments=instruments,
            instrument_id=_column(instrument.instrument_id for instrument in instruments),
            currency=_column(instrument.currency for instrument in instruments),
            market=_column(instrument.market for instrument in instruments),
            region=_column(markets[instrument.market].region for instrument in instruments),
            asset_class=_column(instrument.asset_class.value for instrument in instruments),
            identities={name: _column(getattr(one, name) or None for one in instruments) for name in IDENTITIES},
            names=names,
            share_class=_column(share_class(one) or other for one, other in zip(stems, named, strict=True)),
            squeezed_symbol=_column(canonical(one).replace(".", "") for one in stems),
            is_pair=np.array([instrument.asset_class in QUOTED_IN_PAIRS for instrument in instruments], np.bool_),
            key_rows=np.repeat(np.arange(len(instruments)), [len(one) for one in spelled]).astype(np.int64),
            keys=_column(key for one in spelled for key in one),
        )


def _column(values: object) -> pa.Array:
    return pa.array(list(values), pa.string())  # type: ignore[call-overload]
