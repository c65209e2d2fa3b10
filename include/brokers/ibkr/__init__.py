"""Interactive Brokers through ib_insync."""
