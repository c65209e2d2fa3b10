"""The plan: which orders take a portfolio from what it holds to what it wants. Pure: everything it needs is handed in."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal

from include.domain.account import AccountSnapshot
from include.domain.contract import Contract
from include.domain.order import Order, Side
from include.domain.portfolio import Portfolio
from include.domain.quote import Quote
from include.trading.candidate import Candidate, Holding
from include.trading.funding import Funding
from include.trading.order_id import client_order_id
from include.trading.pricing import distrust, limit_price
from include.trading.routing import Route, route

CENT = Decimal("0.01")


@dataclass(frozen=True)
class PlanInput:
    """Everything one portfolio's plan is made of.

    Attributes:
        nav: Net asset value in the portfolio's base currency.
        rates: Units of each currency for one unit of base.
        candidates: Instruments with a target, a holding or both.
        snapshots: Account id to this run's snapshot.
        quotes: (account id, native id) to a fresh quote.
        frozen: Instrument ids (and `ticker:<ticker>`) with an order of unknown outcome, to the reason: nothing is planned for
            them.
        valid_until: Market id to the close of its next session; nothing is planned on a market that is not there.
        market_by_mic: MIC to market id, for contracts that are listed elsewhere than the screen says.
        converting: Account ids whose broker changes currencies by itself.
        committed: (account id, currency) to what open buys of earlier plans may still take: it is not free.
        plan_only: Why nothing of this portfolio may be sent, or None.
    """

    portfolio: Portfolio
    as_of: date
    revision: int
    nav: Decimal
    rates: Mapping[str, Decimal]
    candidates: Sequence[Candidate]
    snapshots: dict[str, AccountSnapshot]
    quotes: Mapping[tuple[str, str], Quote]
    frozen: Mapping[str, str]
    valid_until: Mapping[str, datetime]
    market_by_mic: Mapping[str, str] = field(default_factory=dict)
    converting: frozenset[str] = frozenset()
    committed: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    plan_only: str | None = None


@dataclass(frozen=True)
class Held:
    """An instrument that gets no order, and why."""

    ticker: str
    instrument_id: str
    name: str
    target_weight: Decimal
    reason: str


@dataclass(frozen=True)
class Plan:
    """Orders (sells first, then buys by weight), what was held back, and the cash that stays free by account and currency."""

    orders: tuple[Order, ...]
    held: tuple[Held, ...]
    cash_left: dict[str, dict[str, str]]


def wanted_quotes(plan: PlanInput) -> dict[str, list[Contract]]:
    """Account id to the contracts that this plan must see a quote of: every holding, and every route of a positive target."""
    contracts: dict[tuple[str, str], Contract] = {}
    for candidate in plan.candidates:
        for holding in candidate.holdings:
            if _is_read(plan, holding.account_id):  # else nothing is planned for it
                contracts[(holding.account_id, holding.contract.native_id)] = holding.contract
        if candidate.target_weight > 0:
            found = route(candidate, plan.portfolio, plan.snapshots)
            if isinstance(found, Route):
                contracts[(found.account_id, found.contract.native_id)] = found.contract
    by_account: dict[str, list[Contract]] = {}
    for (account_id, _), contract in sorted(contracts.items()):
        by_account.setdefault(account_id, []).append(contract)
    return by_account


def build_plan(plan: PlanInput) -> Plan:
    """All orders of one portfolio, deterministic for equal input.

    A candidate is either ordered, held with a reason, or already where it should be. Sells come first and fund nothing: buys are
    paid from cash that is settled now (`Funding`), heaviest target first. No order is larger than `max_order_pct` of value: the
    rest of a larger difference is left to later runs, and the order's reason says so.
    """
    orders: list[Order] = []
    held: list[Held] = []
    funding = Funding(plan.snapshots, plan.converting, plan.rates, plan.portfolio.base_currency, plan.committed)
    by_weight = sorted(plan.candidates, key=lambda c: (-c.target_weight, c.instrument_id, c.ticker))
    owners = _owners(by_weight, plan)
    for candidate in by_weight:
        for outcome in _orders_of(candidate, plan, funding, owners):
            if isinstance(outcome, Order):
                orders.append(outcome)
            else:
                held.append(Held(candidate.ticker, candidate.instrument_id, candidate.name, candidate.target_weight, outcome))
    orders.sort(key=lambda order: order.side is Side.BUY)  # stable: sells first, each by weight
    return Plan(tuple(_with_own_ids(orders)), tuple(held), funding.left())


def _owners(candidates: Sequence[Candidate], plan: PlanInput) -> dict[tuple[str, str], str]:
    """(account id, native id) to the ticker that trades it: the one that holds it, else the first that is routed there."""
    owners = {(h.account_id, h.contract.native_id): c.ticker for c in candidates for h in c.holdings}
    for candidate in candidates:
        found = route(candidate, plan.portfolio, plan.snapshots) if candidate.target_weight > 0 else None
        if isinstance(found, Route):
            owners.setdefault((found.account_id, found.contract.native_id), candidate.ticker)
    return owners


def _with_own_ids(orders: Sequence[Order]) -> list[Order]:
    """The orders, each under an id of its own: a second one for an account, instrument and side is the next leg."""
    legs: Counter[tuple[str, str, Side]] = Counter()
    found = []
    for order in orders:
        key = (order.account, order.instrument_id, order.side)
        fields = (order.portfolio, order.environment, order.account, order.as_of, order.revision, order.instrument_id)
        found.append(order.model_copy(update={"client_order_id": client_order_id(*fields, order.side, legs[key])}))
        legs[key] += 1
    return found


def _orders_of(
    candidate: Candidate, plan: PlanInput, funding: Funding, owners: Mapping[tuple[str, str], str]
) -> list[Order | str]:
    if candidate.target_weight <= 0 and not candidate.holdings:
        return []
    stop = _stopped(candidate, plan)
    if stop:
        return [stop]
    found = route(candidate, plan.portfolio, plan.snapshots) if candidate.target_weight > 0 else None
    if isinstance(found, str) and not candidate.holdings:
        return [found]
    # A holding that cannot be bought anywhere any more is still measured, and sold down, on the contract that is held.
    measure = found if isinstance(found, Route) else _where_held(candidate)
    owner = owners[(measure.account_id, measure.contract.native_id)]
    if owner != candidate.ticker:
        return [f"same_contract: {owner} is {measure.contract.symbol} in {measure.account_id} already"]
    contracts = [measure.contract, *(holding.contract for holding in candidate.holdings)]
    if unrated := {contract.currency for contract in contracts} - plan.rates.keys():
        # Another listing's currency (Hong Kong's CNH counters) may be one that nobody has a rate of.
        return [f"no_rate: nothing tells what {', '.join(sorted(unrated))} is worth"]
    if unknown := {_market(candidate, contract, plan) for contract in contracts} - plan.valid_until.keys():
        return [f"no_session: the next session of {', '.join(sorted(unknown))} is not known"]
    quote = plan.quotes.get((measure.account_id, measure.contract.native_id))
    distrusted = distrust(quote, measure.contract, _expected(candidate, measure.contract, plan), plan.portfolio.limits)
    if distrusted or quote is None or quote.mid is None:
        return [distrusted or "no_quote: the broker quotes no price"]
    target = _target_quantity(candidate.target_weight * plan.nav, quote.mid, measure.contract, plan.rates)
    delta = target - candidate.held_quantity
    if delta < 0:
        return _sells(candidate, plan, target, -delta)
    if delta == 0:
        return ["below_one_lot: the target is less than one lot"] if target == 0 and candidate.target_weight > 0 else []
    if isinstance(found, str):
        return [found]
    return [_buy(candidate, plan, measure, quote, target, delta, funding)]


def _stopped(candidate: Candidate, plan: PlanInput) -> str | None:
    if plan.portfolio.limits.forbids(candidate.ticker, candidate.instrument_id):
        return "do_not_trade: on the list of this portfolio"
    for identity in (candidate.instrument_id, f"ticker:{candidate.ticker}"):
        if identity in plan.frozen:
            return f"unresolved_order: {plan.frozen[identity]}"
    for holding in candidate.holdings:
        if not _is_read(plan, holding.account_id):
            return f"account_frozen: {holding.account_id} holds it and could not be read"
        snapshot = plan.snapshots[holding.account_id]
        at_broker = snapshot.held(holding.contract.native_id)
        if holding.quantity < 0 or at_broker < 0:
            return f"negative_position: {at_broker.normalize():f} in {holding.account_id}; look at the account"
        if at_broker < holding.quantity:
            return (
                f"position_differs: managed {holding.quantity.normalize():f}, "
                f"{holding.account_id} shows {at_broker.normalize():f}; look at the account"
            )
        sold = snapshot.being_sold(holding.contract.native_id)
        if at_broker - sold < holding.quantity:
            return f"open_order: {sold.normalize():f} of it are being sold in {holding.account_id}; look at the account"
    return None


def _sells(candidate: Candidate, plan: PlanInput, target: Decimal, excess: Decimal) -> list[Order | str]:
    outcomes: list[Order | str] = []
    for holding in candidate.holdings:
        quantity = min(_lots(excess, holding.contract.lot_size), holding.quantity)
        if target == 0:
            quantity = min(excess, holding.quantity)  # leaving altogether: odd lots go too
        if quantity <= 0:
            continue
        excess -= quantity
        where = Route(holding.account_id, holding.contract, "held there")
        quote = plan.quotes.get((holding.account_id, holding.contract.native_id))
        distrusted = distrust(quote, holding.contract, _expected(candidate, holding.contract, plan), plan.portfolio.limits)
        if distrusted or quote is None or quote.mid is None:
            outcomes.append(distrusted or "no_quote")
            continue
        allowed = _in_one_order(plan, holding.contract, quote.mid, quantity)
        if allowed <= 0:
            outcomes.append("max_order: one lot is more than one order may be")
            continue
        outcomes.append(_order(candidate, plan, where, quote, Side.SELL, allowed, target, limited=allowed < quantity))
    return outcomes


def _buy(
    candidate: Candidate, plan: PlanInput, where: Route, quote: Quote, target: Decimal, delta: Decimal, funding: Funding
) -> Order | str:
    wanted = _lots(delta, where.contract.lot_size)
    if wanted <= 0:
        return "below_one_lot: the difference is less than one lot"
    allowed = _in_one_order(plan, where.contract, quote.mid or Decimal(0), wanted)
    if allowed <= 0:
        return "max_order: one lot is more than one order may be"
    order = _order(candidate, plan, where, quote, Side.BUY, allowed, target, limited=allowed < wanted)
    price = order.limit_price or order.quote_price
    money = order.quantity * price * where.contract.multiplier
    if where.contract.min_notional is not None and money < where.contract.min_notional:
        return f"below_minimum: {money:.2f} {where.contract.currency}, the broker asks {where.contract.min_notional}"
    return funding.reserve(where.account_id, where.contract.currency, money) or order


def _order(
    candidate: Candidate,
    plan: PlanInput,
    where: Route,
    quote: Quote,
    side: Side,
    quantity: Decimal,
    target: Decimal,
    *,
    limited: bool,
) -> Order:
    portfolio, contract = plan.portfolio, where.contract
    price = quote.mid or Decimal(0)
    rate = plan.rates[contract.currency]
    market = _market(candidate, contract, plan)
    why = "left the universe" if candidate.target_weight == 0 else f"target {candidate.target_weight * 100:.2f} % of value"
    if limited:
        why += f", limited to {portfolio.limits.max_order_pct} % in one order"
    return Order(
        client_order_id=client_order_id(
            portfolio.portfolio_id,
            portfolio.environment.value,
            where.account_id,
            plan.as_of.isoformat(),
            plan.revision,
            candidate.instrument_id,
            side.value,
        ),
        portfolio=portfolio.portfolio_id,
        environment=portfolio.environment.value,
        account=where.account_id,
        broker=contract.broker,
        as_of=plan.as_of.isoformat(),
        revision=plan.revision,
        ticker=candidate.ticker,
        instrument_id=candidate.instrument_id,
        contract=contract,
        mic=contract.mic or market,
        side=side,
        quantity=quantity,
        limit_price=limit_price(price, side, market, contract.tick_size, portfolio.limits),
        quote_price=price,
        quote_time=quote.time,
        fx_rate=rate,
        notional=(quantity * price * contract.multiplier / rate).quantize(CENT),
        current_quantity=candidate.held_quantity,
        target_quantity=target,
        delta_quantity=quantity * side.sign,
        reason=f"{why}; {where.reason}",
        valid_until=plan.valid_until[market],
    )


def _market(candidate: Candidate, contract: Contract, plan: PlanInput) -> str:
    """Where the contract trades: a holding, or another listing, may be elsewhere than the screen's row."""
    return plan.market_by_mic.get(contract.mic, candidate.market)


def _target_quantity(value: Decimal, price: Decimal, contract: Contract, rates: Mapping[str, Decimal]) -> Decimal:
    return _lots(value * rates[contract.currency] / (price * contract.multiplier), contract.lot_size)


def _in_one_order(plan: PlanInput, contract: Contract, price: Decimal, quantity: Decimal) -> Decimal:
    """As much of `quantity` as `max_order_pct` of value allows, in whole lots where that is less; 0 where one lot is too much."""
    # Down to the cent, as notionals are told: an order that fills the limit must not lie a rounding above it.
    value = (plan.nav * plan.portfolio.limits.max_order_pct / 100).quantize(CENT, ROUND_DOWN)
    if quantity * price * contract.multiplier / plan.rates[contract.currency] <= value:
        return quantity
    return _target_quantity(value, price, contract, plan.rates)


def _lots(quantity: Decimal, lot: Decimal) -> Decimal:
    return (quantity / lot).to_integral_value(rounding=ROUND_DOWN) * lot


def _expected(candidate: Candidate, contract: Contract, plan: PlanInput) -> Decimal | None:
    price = candidate.export_price
    if price is None or candidate.export_currency == contract.currency:
        return price
    return price / plan.rates[candidate.export_currency] * plan.rates[contract.currency]


def _where_held(candidate: Candidate) -> Route:
    holding: Holding = candidate.holdings[0]
    return Route(holding.account_id, holding.contract, "held there")


def _is_read(plan: PlanInput, account_id: str) -> bool:
    """Whether this run has seen the account: not so for one that is frozen, or that the run leaves out."""
    snapshot = plan.snapshots.get(account_id)
    return snapshot is not None and not snapshot.frozen
