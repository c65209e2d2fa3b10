from include.hooks.step import documentation


def test_a_task_tells_what_it_reads_and_writes_and_what_red_means() -> None:
    shown = documentation("set_targets")
    assert shown.startswith("Step 6: the weight of every name, in the first portfolio's limits.\n\nAdd ranks, targets")
    assert "Reads `stages/convert_currency.json`" in shown
    assert "**Returns**\n\nURI of `stages/set_targets.json`." in shown
    assert shown.endswith("**Red means**\n\n- InputError: Malformed changes, a screen without a weight, or a line that rises.")


def test_what_only_a_caller_needs_is_left_out_and_long_entries_stay_together() -> None:
    shown = documentation("fetch_screens")
    assert "Args:" not in shown
    assert (
        "- InputError: No such screen in the run, its files changed since it was resolved, or they cannot be read. Rows that\n  "
        in shown
    )


def test_a_module_without_a_function_of_its_name_has_its_own_text() -> None:
    assert documentation("needs_approval") == (
        "Step 9c: does a person have to say yes before anything is sent? One approval for every reason there may be."
    )
