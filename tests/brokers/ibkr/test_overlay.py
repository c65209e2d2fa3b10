"""What the library drops is kept."""

from datetime import UTC, datetime
from types import SimpleNamespace

from include.brokers.ibkr.library import AUTO, load
from include.brokers.ibkr.loop_thread import LoopThread
from include.brokers.ibkr.overlay import LAST_TIMESTAMP, keep_endings, new_client


def test_what_the_library_drops_is_kept() -> None:
    async def look() -> tuple[list[str], object, dict[int, str]]:
        garbage: list[str] = []
        library = load(AUTO)
        ib = new_client(library, 7, garbage.append)
        assert ib.client.MaxRequests == 7
        ib.client.decoder.logger.exception("odd bytes")
        ticker = ib.wrapper.reqId2Ticker[5] = library.Ticker()
        ib.wrapper.tickString(5, LAST_TIMESTAMP, "1758290400")
        ib.wrapper.tickString(6, LAST_TIMESTAMP, "1758290400")  # nobody asks for it any more
        endings = keep_endings(ib)
        told = SimpleNamespace(completedStatus="Filled", status="Filled")
        ib.wrapper._results["completedOrders"] = []  # as while they are asked for
        ib.wrapper.completedOrder(library.Contract(), library.Order(permId=9), told)
        return garbage, ticker.rtTime, endings

    async def prepare() -> None:
        pass

    thread = LoopThread(prepare)
    try:
        garbage, time, endings = thread.run(look())
    finally:
        thread.close(lambda: None)
    assert garbage == ["odd bytes"]
    assert time == datetime(2025, 9, 19, 14, 0, tzinfo=UTC)
    assert endings == {9: "Filled"}
