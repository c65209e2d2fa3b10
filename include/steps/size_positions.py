"""Step 7: what each portfolio is worth, and how many of each name it wants."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from include.allocation.conversion import cross_rate, rates_of
from include.allocation.document import Document, Stock, instrument_id, members, positive, screens, section
from include.allocation.nav import NetAssetValue, SnapshotStore, net_asset_value
from include.allocation.rates import BASE
from include.allocation.sizing import Member, Size, size
from include.allocation.targets import Weights, final_weights
from include.domain.account import AccountSnapshot
from include.domain.calendars import calendar
from include.domain.market import Market
from include.domain.portfolio import Portfolio
from include.domain.run import Run
from include.errors import InputError
from include.steps.fetch_accounts import read_snapshot
from include.storage.artifacts import exists, read_json, write_json
from include.storage.run_folder import RunFolder


def size_positions(run: Run, snapshots: SnapshotStore, markets: Mapping[str, Market]) -> str:
    """Value every portfolio, size its positions, and complete the universe document.

    Reads `stages/set_targets.json` and `accounts/<id>.json`. An account without a file gets its last snapshot, at most one
    session old, written there as frozen; without one the portfolio is plan-only. Weights of portfolios after the first are
    made anew with their own cap and cash buffer. Every number in `sizes.json` is decimal text; `positions` holds the names
    that have or had weight.

    Args:
        run: Portfolios, `as_of`, and `reference_calendar` of the options.
        snapshots: Snapshots by session.
        markets: By id; their lots stand in until contracts are known.

    Returns:
        URI of `universe.json`.

    Raises:
        InputError: A currency without a rate, a market that is not configured, a price that is not positive.
    """
    folder = RunFolder(run.folder)
    source = folder.stage("set_targets")
    document = read_json(source)
    rates = rates_of(document, source)
    metadata = section(document, "metadata", source)
    metadata["portfolios"] = {}
    for number, portfolio in enumerate(run.portfolios):
        nav = net_asset_value(portfolio, _snapshots(run, portfolio, snapshots), rates, source)
        sizes = _sizes(document, portfolio, nav.total, rates, markets, source)
        write_json(folder.sizes(portfolio.portfolio_id), _report(portfolio, nav, sizes, members(document, source)))
        metadata["portfolios"][portfolio.portfolio_id] = _portfolio_entry(portfolio, nav)
        if number == 0:
            _add_stock_fields(document, sizes, cross_rate(rates, portfolio.base_currency, BASE, source), source)
            document["account_total_value"] = {
                "value": float(nav.total),
                "currency": portfolio.base_currency,
                "timestamp": run.run_after.strftime("%Y-%m-%d %H:%M:%S"),
            }
    return write_json(folder.universe, document)


def _snapshots(run: Run, portfolio: Portfolio, store: SnapshotStore) -> dict[str, AccountSnapshot]:
    """Snapshots by account id; an account that is unknown is absent."""
    found = {}
    for account in portfolio.accounts:
        uri = RunFolder(run.folder).account(account.account_id)
        if not exists(uri):
            last = store.latest(account.account_id, previous_session(run), run.as_of.isoformat())
            if last is None:
                continue
            reason = f"the account could not be read; its snapshot of session {last.session} stands in"
            write_json(uri, last.model_copy(update={"frozen": True, "frozen_reason": reason}))
        found[account.account_id] = read_snapshot(uri)
    return found


def previous_session(run: Run) -> str:
    """ISO date of the last session of the reference calendar before `as_of`.

    Raises:
        InputError: The calendar is unknown.
    """
    days = calendar(run.options.get("reference_calendar", "XNYS"), run.as_of.year, "reference_calendar")
    day = run.as_of - timedelta(days=1)
    return str(days.date_to_session(day.isoformat(), direction="previous").date())


def _sizes(
    document: Document,
    portfolio: Portfolio,
    nav: Decimal,
    rates: Mapping[str, Decimal],
    markets: Mapping[str, Market],
    source: str,
) -> dict[str, Size]:
    cap, buffer = portfolio.max_weight_pct / 100, portfolio.cash_buffer_pct / 100
    weights = final_weights(document, float(cap), float(buffer), source)
    totals = weights.by_ticker()
    found = [
        _member(stock, totals.get(ticker, 0.0), portfolio.base_currency, rates, markets, source)
        for ticker, stock in members(document, source).items()
    ]
    order = _by_rank(document, weights, source)
    return size(found, nav, cap * (1 - buffer), portfolio.unreachable_policy, order)


def _by_rank(document: Document, weights: Weights, source: str) -> dict[str, list[tuple[str, Decimal]]]:
    """Screens that have weight, each with its (ticker, share) from the best rank on."""
    found = {}
    for key, stocks in screens(document, source).items():
        ranked = sorted(stocks, key=lambda stock: stock["rank"])
        shares = [(stock["ticker"], _exact(weights.shares[key][stock["ticker"]])) for stock in ranked]
        if any(share > 0 for _, share in shares):
            found[key] = shares
    return found


def _member(
    stock: Stock, weight: float, base: str, rates: Mapping[str, Decimal], markets: Mapping[str, Market], source: str
) -> Member:
    market = markets.get(stock.get("market", ""))
    if market is None:
        field = f"{stock['ticker']}.market"
        raise InputError("expected a market of markets.yaml", source=source, field=field, value=stock.get("market"))
    return Member(
        ticker=stock["ticker"],
        instrument_id=instrument_id(stock),
        weight=_exact(weight),
        price=Decimal(str(positive(stock, "price", source))),
        currency=stock["currency"],
        fx_rate=cross_rate(rates, stock["currency"], base, source),
        lot_size=market.lot_size,
    )


def _report(portfolio: Portfolio, nav: NetAssetValue, sizes: Mapping[str, Size], stocks: Mapping[str, Stock]) -> dict[str, Any]:
    """The content of `sizes.json`."""
    shown = {ticker: one for ticker, one in sizes.items() if one.wanted_weight > 0 or one.target_weight > 0}
    invested = sum((one.member.value_of(one.quantity) for one in shown.values()), Decimal(0))
    cash = (1 - invested / nav.total).quantize(Decimal("1e-12")) if nav.total > 0 else Decimal(1)
    return {
        "portfolio_id": portfolio.portfolio_id,
        "base_currency": portfolio.base_currency,
        "nav": _text(nav.total),
        "nav_by_account": {name: None if value is None else _text(value) for name, value in nav.by_account.items()},
        "frozen_accounts": list(nav.frozen),
        "plan_only": nav.plan_only_reason is not None,
        "plan_only_reason": nav.plan_only_reason,
        "unreachable_policy": portfolio.unreachable_policy.value,
        "positions": {ticker: _position(one) for ticker, one in sorted(shown.items())},
        "unreachable": [_unreachable(one, stocks[ticker]) for ticker, one in _missed(shown)],
        "cash_weight": _text(cash),
    }


def _missed(sizes: Mapping[str, Size]) -> list[tuple[str, Size]]:
    """Names that lots do not fill, the most weight first."""
    missed = [(ticker, one) for ticker, one in sizes.items() if one.reachable_nav is not None]
    return sorted(missed, key=lambda item: (-item[1].unreachable_weight, item[0]))


def _position(one: Size) -> dict[str, Any]:
    return {
        "target_weight": _text(one.target_weight),
        "target_value": _text(one.target_value),
        "price": _text(one.member.price),
        "currency": one.member.currency,
        "fx_rate": _text(one.member.fx_rate),
        "lot_size": _text(one.member.lot_size),
        "quantity": _text(one.quantity),
        "unreachable_weight": _text(one.unreachable_weight),
        "reachable_nav": None if one.reachable_nav is None else _text(one.reachable_nav),
    }


def _unreachable(one: Size, stock: Stock) -> dict[str, Any]:
    return {
        "ticker": one.member.ticker,
        "name": stock.get("name", ""),
        "kind": "nothing" if one.quantity == 0 else "partly",
        "wanted_weight": _text(one.wanted_weight),
        "unreachable_weight": _text(one.unreachable_weight),
        "reachable_nav": None if one.reachable_nav is None else _text(one.reachable_nav),
        "moved_to": {ticker: _text(weight) for ticker, weight in one.moved_to.items()},
    }


def _portfolio_entry(portfolio: Portfolio, nav: NetAssetValue) -> dict[str, Any]:
    return {
        "nav": float(nav.total),
        "currency": portfolio.base_currency,
        "nav_by_account": {name: None if value is None else float(value) for name, value in nav.by_account.items()},
        "frozen_accounts": list(nav.frozen),
        "plan_only": nav.plan_only_reason is not None,
        "plan_only_reason": nav.plan_only_reason,
    }


def _add_stock_fields(document: Document, sizes: Mapping[str, Size], base_rate: Decimal, source: str) -> None:
    """`target_value_eur` and `quantity` on every stock, in place; a fraction of a unit stays a fraction."""
    groups = [members(document, source).values(), *screens(document, source).values()]
    for stock in (stock for group in groups for stock in group):
        one = sizes[stock["ticker"]]
        whole = one.quantity == one.quantity.to_integral_value()
        stock["target_value_eur"] = float((one.target_value / base_rate).quantize(Decimal("0.01")))
        stock["quantity"] = int(one.quantity) if whole else float(one.quantity)


def _exact(weight: float) -> Decimal:
    """A weight on the grid of `targets`, without the last bits of a binary sum."""
    return Decimal(str(round(weight, 12)))


def _text(number: Decimal) -> str:
    """Plain decimal text, never in powers of ten."""
    return format(number, "f")
