"""The orders of one candidate: from what is held of it to what is wanted of it, or why there is none."""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal

from include.domain.contract import Contract
from include.domain.order import Order, Side
from include.domain.planned_form import ORDER_TYPE, time_in_force
from include.domain.quote import Quote
from include.trading.candidate import Candidate, Holding
from include.trading.ceilings import CENT, Ceiling, ceilings
from include.trading.funding import Funding
from include.trading.order_id import client_order_id
from include.trading.plan_input import PlanInput
from include.trading.pricing import distrust, limit_price
from include.trading.routing import Route, route


def orders_of(
    candidate: Candidate, plan: PlanInput, funding: Funding, owners: Mapping[tuple[str, str], str]
) -> list[Order | str]:
    """What takes one candidate to its target: orders, or the words for why there is none; [] where it is there already.

    Args:
        candidate: The instrument.
        plan: What it is planned with.
        funding: Cash that is left; a buy takes its part.
        owners: (account id, native id) to the ticker that trades it.
    """
    if candidate.target_weight <= 0 and not candidate.holdings:
        return []
    stop = _stopped(candidate, plan)
    if stop:
        return [stop]
    found = route(candidate, plan.portfolio, plan.snapshots, plan.barred) if candidate.target_weight > 0 else None
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
    if unknown := {plan.market(candidate, contract) for contract in contracts} - plan.valid_until.keys():
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
        if holding.contract.broker in candidate.mapping_held:
            return candidate.mapping_held[holding.contract.broker]
        if not plan.is_read(holding.account_id):
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
        if why := plan.barred.get(holding.account_id, {}).get(holding.contract.asset_class):
            outcomes.append(f"account_restricted: {holding.account_id} holds it: {why}")
            continue
        where = Route(holding.account_id, holding.contract, "held there")
        quote = plan.quotes.get((holding.account_id, holding.contract.native_id))
        distrusted = distrust(quote, holding.contract, _expected(candidate, holding.contract, plan), plan.portfolio.limits)
        if distrusted or quote is None or quote.mid is None:
            outcomes.append(distrusted or "no_quote")
            continue
        allowed, ceiling = _in_one_order(plan, holding.contract, quote.mid, quantity, Side.SELL)
        if ceiling is not None and allowed <= 0:
            outcomes.append(ceiling.refused)
            continue
        outcomes.append(_order(candidate, plan, where, quote, Side.SELL, allowed, target, ceiling))
    return outcomes


def _buy(
    candidate: Candidate, plan: PlanInput, where: Route, quote: Quote, target: Decimal, delta: Decimal, funding: Funding
) -> Order | str:
    wanted = _lots(delta, where.contract.lot_size)
    if wanted <= 0:
        return "below_one_lot: the difference is less than one lot"
    allowed, ceiling = _in_one_order(plan, where.contract, quote.mid or Decimal(0), wanted, Side.BUY)
    if ceiling is not None and allowed <= 0:
        return ceiling.refused
    order = _order(candidate, plan, where, quote, Side.BUY, allowed, target, ceiling)
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
    ceiling: Ceiling | None,
) -> Order:
    portfolio, contract = plan.portfolio, where.contract
    price = quote.mid or Decimal(0)
    rate = plan.rates[contract.currency]
    market = plan.market(candidate, contract)
    why = "left the universe" if candidate.target_weight == 0 else f"target {candidate.target_weight * 100:.2f} % of value"
    if ceiling is not None:
        why += f", limited to {ceiling.cut}"
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
        order_type=ORDER_TYPE,
        time_in_force=time_in_force(contract.asset_class),
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


def _target_quantity(value: Decimal, price: Decimal, contract: Contract, rates: Mapping[str, Decimal]) -> Decimal:
    return _lots(value * rates[contract.currency] / (price * contract.multiplier), contract.lot_size)


def _in_one_order(
    plan: PlanInput, contract: Contract, price: Decimal, quantity: Decimal, side: Side
) -> tuple[Decimal, Ceiling | None]:
    """(as much of `quantity` as every ceiling allows, what cut it): whole lots where it is cut, 0 where one is too much."""
    allowed, lowest = quantity, None
    for ceiling in ceilings(plan, contract, price, side):
        if allowed * price * contract.multiplier / plan.rates[contract.currency] > ceiling.value:
            allowed, lowest = _target_quantity(ceiling.value, price, contract, plan.rates), ceiling
    return allowed, lowest


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
