"""A local TWS: the socket protocol of Trader Workstation at server version 176 (docs/sandbox.md)."""
