"""A local Alpaca: its REST API for trading and market data, on a `VenueBook`."""

from include.sandbox.alpaca.keys import sandbox_keys
from include.sandbox.alpaca.server import AlpacaVenue, running_alpaca_venue, start

__all__ = ["AlpacaVenue", "running_alpaca_venue", "sandbox_keys", "start"]
