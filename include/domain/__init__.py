"""The words of the project: frozen values without I/O. Everything else may import this, it imports nobody but errors."""
