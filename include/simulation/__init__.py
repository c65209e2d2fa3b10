"""One deterministic matching engine: what the paper broker and the local venues fill orders with."""
