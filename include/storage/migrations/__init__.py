"""Alembic migrations of the project's database; run by `include.storage.database.upgrade`."""
