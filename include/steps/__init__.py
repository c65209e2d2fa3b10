"""One function per task of the pipeline."""
