"""A broker to copy: see docs/adding-a-broker.md."""
