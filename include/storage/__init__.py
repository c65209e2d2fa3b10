"""Files of a run, and the project own database."""
