"""Universe to targets: screen weights, currencies, position sizes. Pure."""
