"""Pages for Airflow's web interface; they know neither Airflow nor a web framework (`include/hooks/pages.py` does)."""
