"""The broker port and one folder per broker."""
