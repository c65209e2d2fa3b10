import os

from benchmarks.pacing import busiest, measure


def test_the_busiest_second_is_a_window_anywhere() -> None:
    times = [5.0, 5.2, 5.9, 6.0, 6.1, 7.5]  # 5.2 to 6.1 are four; 6.0 is a second after 5.0, so not in its window
    assert busiest([(moment, "contract_details", "") for moment in times]) == 4
    assert busiest([(5.0, "contract_details", ""), (5.1, "closed", "")]) == 1
    assert busiest([]) == 0


def test_a_few_stocks_cold_and_warm() -> None:
    before = dict(os.environ)
    found = measure(4)
    assert found.stocks == 4
    assert found.kinds["contract_details"] >= 4
    assert found.requests == sum(found.kinds.values())
    assert found.busiest <= found.per_second
    assert found.matched == 4
    assert "ibkr: contract_details" not in found.warm_requests
    assert "alpaca: GET /v2/assets" not in found.warm_requests
    assert dict(os.environ) == before
