"""Screens to a universe: parsers of exports, the generator of synthetic ones, ranks. It reads the files it is given."""
