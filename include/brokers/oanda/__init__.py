"""OANDA v20."""
