"""The cases stand in modules that are no tests themselves: what fails in them is shown in full all the same."""

import pytest

SUBJECTS = "1_connection 2_contracts 3_account 4_orders 5_rejections 6_idempotency 7_changes 8_faults 9_limits 9_streams"
pytest.register_assert_rewrite("tests.conformance.base", *(f"tests.conformance.suite_{name}" for name in SUBJECTS.split()))
