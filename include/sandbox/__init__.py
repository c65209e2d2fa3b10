"""Local venues that speak the brokers' own protocols, for tests, the demo and benchmarks (docs/sandbox.md)."""
