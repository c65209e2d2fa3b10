"""The keys of `include/config/brokers/zerodha.yaml` that are this list reader's own."""

from include.domain.instrument import AssetClass
from include.domain.model import Value


class ZerodhaSettings(Value):
    """What the YAML says beyond the keys of every broker.

    Attributes:
        exchanges: Kite's word to the MIC of the market.
        series: Kind to the pattern of what follows the hyphen of a symbol, the first that fits.
        fund_names / indicative_symbols: Patterns that tell funds and their indicative values from shares.
    """

    currency: str
    exchanges: dict[str, str]
    series: dict[AssetClass, str]
    fund_names: str
    indicative_symbols: str
