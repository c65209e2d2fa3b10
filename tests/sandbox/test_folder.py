import threading
from pathlib import Path

import pytest

from include.brokers.environment import sandbox_account_code
from include.errors import InputError
from include.sandbox.folder import VENUES, VenueFiles, account_code, costs, starting_cash, token_of


def test_the_token_is_made_once_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(token_of(folder))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(found[0]) >= 40
    assert (folder / "token").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == ["token"]


def test_an_empty_token_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n", encoding="utf-8")
    with pytest.raises(InputError, match="token"):
        token_of(tmp_path)


def test_account_codes_prove_the_sandbox() -> None:
    assert account_code("ibkr", "secret") == sandbox_account_code("DU", "secret")
    assert account_code("alpaca", "secret") == sandbox_account_code("", "secret")


def test_new_accounts_hold_many_currencies_at_ibkr_and_dollars_at_alpaca() -> None:
    assert starting_cash("alpaca") == {"USD": 300000}
    cash = starting_cash("ibkr")
    assert (cash["EUR"], cash["JPY"], cash["GBP"]) == (400000, 60000000, 60000)
    assert all(costs(venue).half_spread_bp > 0 for venue in VENUES)


def test_the_lock_tells_who_runs(tmp_path: Path) -> None:
    files = VenueFiles(tmp_path, "ibkr")
    assert not files.running()
    with files.held() as mine:
        assert mine
        assert files.running()
        with VenueFiles(tmp_path, "ibkr").held() as other:
            assert not other
        assert not VenueFiles(tmp_path, "alpaca").running()
    assert not files.running()


@pytest.mark.parametrize("text", ["[]", '{"pid": 1}', '{"pid": "x", "port": 1}'])
def test_a_damaged_pid_file_is_an_error(tmp_path: Path, text: str) -> None:
    files = VenueFiles(tmp_path, "ibkr")
    assert files.where() is None
    files.pid.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"ibkr\.pid\.json"):
        files.where()
