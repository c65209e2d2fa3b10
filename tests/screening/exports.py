"""Small exports of the screener's form, for tests."""

from collections.abc import Sequence
from pathlib import Path

from include.settings import Environ, Settings

MARKETS = Settings(Environ()).markets
NAMES = "symbol,ISIN,stock price currency,name,sector,country,Price,Price,Price,calculation date,"
SUBTITLES = ",,,,,,BOY in stock price currency,per share in stock price currency,180d change,,"
DESCRIPTIONS = ",,,,,,Latest,Latest,Latest,,"
FOOTER = (
    "url parameters",
    ",query,Name of a saved query.",
    'url:,"https://screener.example/csv?user=U&query=secret"',
    "API usage counter:,211,today:,8",
    "API max usage:,300,daily:,300",
)
APPLE = "AAPL,US0378331005,USD,Apple Inc,Technology,United States,200,230.5,9.09%,16 Sep 2025"
TOYOTA = "7203.T,JP3633400001,JPY,Toyota Motor,Automobiles,Japan,2500,2811,-1.25%,15 Sep 2025"


def screen(*rows: str, end: str = "\r\r\n", footer: Sequence[str] = FOOTER) -> bytes:
    """A current-screen file; line 1 is `sep=,`, the first row is on line 5."""
    return end.join(["sep=,", NAMES, SUBTITLES, DESCRIPTIONS, *rows, "", *footer]).encode()


def row(**changes: str) -> str:
    """Apple's row with some cells changed."""
    names = ("ticker", "isin", "currency", "name", "sector", "country", "boy", "price", "change", "calculated")
    cells = dict(zip(names, APPLE.split(","), strict=True))
    return ",".join((cells | changes).values())


def backtest(
    trade: str = "Long", day: str = "18 Aug 2025", quarters: Sequence[tuple[str, str]] = (("2024 Q4", "1.50%"),)
) -> bytes:
    lines = ["sep=,", f'"Date",{day}', f'"Trade",{trade}', '"Number of stocks",24', "", ',,"Return","(Avg of) Period SD"']
    lines += ["Total return,,66.1%,,", "Yearly return,,12.37%,,", ""]
    for label, value in quarters:
        lines += [f'{label},Stocks,,,,"AAPL","MSFT",,"S&P 500",', f",Quarter return,{value},16%,0.97,1%,2%,,-5.72%,"]
    lines += ['2025 Q1,Stocks,,,,"AAPL",,"S&P 500",', ",Current return,99%,39%,0.89,1%,,15.69%,", "", *FOOTER[:3]]
    return "\r\r\n".join(lines).encode()


def export(folder: Path, name: str = "good_ones", rows: Sequence[str] = (APPLE, TOYOTA), **options: str) -> Path:
    """Write a screen with its backtest into a folder; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}_current_screen.csv").write_bytes(screen(*rows))
    (folder / f"{name}_backtest_results.csv").write_bytes(backtest(**options))
    return folder
