"""Targets to orders: plan, risk, order ids, reconciliation. Pure."""
