"""Step 5: one rate per currency of the run, from a broker's quotes or the ECB, and the stocks' prices in euro."""

from typing import Any

from include.allocation.conversion import add_euro_fields, currencies_of, leave_out, only_pairs_in, quoted_rates
from include.allocation.document import section
from include.allocation.rates import BASE, Rate, all_ecb_rates, ecb_rates
from include.brokers.base import Broker
from include.domain.run import Run
from include.errors import PolybrokerError
from include.screening.rows import RejectedRow
from include.steps.fetch_screens import load_screens
from include.storage.artifacts import exists, read_json, write_json
from include.storage.run_folder import RunFolder


def convert_currency(run: Run, broker: Broker | None = None) -> str:
    """Add `metadata.exchange_rates` and the stocks' `eur_exchange_rate` and `eur_price`.

    Reads `stages/optimize_screens.json`. A run for the newest session takes the broker's middle prices where it quotes
    the currency; everything else, and every other run, takes ECB reference rates of the newest day <= `as_of`. Quotes that
    this run has already written down are kept, so that clearing the task gives the same bytes. The rates also hold the
    currencies of the ECB that no stock needs: an account may be in one of them.

    A pair may be quoted in what nobody has a rate of (`USDT`, `BTC`): such rows are rejected with that reason. A stablecoin is
    not taken for the currency it follows.

    Args:
        run: `max_rate_age_days` of its options bounds the age of every rate.
        broker: An open broker, or None for the ECB alone.

    Returns:
        URI of `stages/convert_currency.json`.

    Raises:
        InputError: A currency of shares or of a portfolio without a rate, or only with one that is too old; a price that is not
            positive; a screen of nothing but pairs without a rate.
    """
    folder = RunFolder(run.folder)
    source = folder.stage("optimize_screens")
    document = read_json(source)
    max_age = int(run.options.get("max_rate_age_days", 7))
    needed = currencies_of(document, (p.base_currency for p in run.portfolios), source)
    known = all_ecb_rates(run.as_of, max_age)
    quoted, notes = _quotes(run, broker, [c for c in needed if c != BASE], known, max_age)
    unrated = _unrated_pairs(run, document, [c for c in needed if c not in quoted and c not in known], source)
    if unrated:
        leave_out(document, [row for rows in unrated.values() for row in rows], source)
    needed = [currency for currency in needed if currency not in unrated]
    missing = ecb_rates((c for c in needed if c not in quoted), run.as_of, max_age)
    rates = {c: rate.document() for c, rate in (known | missing).items()} | quoted
    section(document, "metadata", source)["exchange_rates"] = {
        "base": BASE,
        "rates": dict(sorted(rates.items())),
        "needed": needed,
        "notes": notes,
    }
    add_euro_fields(document, {c: row["rate"] for c, row in rates.items()}, source)
    return write_json(folder.stage("convert_currency"), document)


def _unrated_pairs(run: Run, document: dict[str, Any], lacking: list[str], source: str) -> dict[str, list[dict[str, Any]]]:
    """Currencies without a usable rate in which nothing but pairs is quoted, and the rows that are rejected for each."""
    bases = {portfolio.base_currency for portfolio in run.portfolios}
    tickers = {currency: only_pairs_in(document, currency, source) for currency in lacking if currency not in bases}
    tickers = {currency: found for currency, found in tickers.items() if found}
    screens = load_screens(run) if tickers else []
    return {
        currency: [
            RejectedRow(
                file=screen.file,
                line=row.line,
                ticker=row.ticker,
                field="currency",
                value=currency,
                reason=f"expected a pair in a currency with an exchange rate: nothing tells what {currency} is worth",
            ).model_dump(mode="json")
            for screen in screens
            for row in screen.rows
            if row.ticker in found
        ]
        for currency, found in tickers.items()
    }


def _quotes(
    run: Run, broker: Broker | None, wanted: list[str], reference: dict[str, Rate], max_age: int
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Rates from quotes in the form of the document, and notes on those that could not be used."""
    if broker is None or not run.is_newest or run.is_backfill:
        return {}, []
    kept = _written_before(run)
    asked = [currency for currency in wanted if currency not in kept]
    if not asked:
        return kept, []
    try:
        quotes = broker.fx_quotes(BASE, asked)
    except PolybrokerError as error:
        return kept, [f"{broker.name}: {error}; ECB rates instead"]
    rates, refused = quoted_rates({c: q for c, q in quotes.items() if c in asked}, broker.name, run.as_of, max_age, reference)
    notes = [f"{currency}: {reason}; ECB rate instead" for currency, reason in refused.items()]
    notes += [f"{currency}: {broker.name} has no quote; ECB rate instead" for currency in asked if currency not in quotes]
    return kept | {currency: rate.document() for currency, rate in rates.items()}, sorted(notes)


def _written_before(run: Run) -> dict[str, dict[str, Any]]:
    """Quotes that an earlier try of this task in this run has written down."""
    uri = RunFolder(run.folder).stage("convert_currency")
    if not exists(uri):
        return {}
    rates = read_json(uri)["metadata"]["exchange_rates"]["rates"]
    return {currency: row for currency, row in rates.items() if row["source"] not in ("ECB", "base")}
