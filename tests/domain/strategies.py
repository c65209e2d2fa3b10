"""Hypothesis strategies for every domain value, as wide as the formats allow."""

from datetime import UTC, date, datetime

from hypothesis import strategies as st

from include.domain.account import Account, AccountSnapshot, Environment, Position
from include.domain.contract import Contract
from include.domain.event import Event
from include.domain.instrument import AssetClass, Instrument
from include.domain.mapping import Mapping, MappingStatus
from include.domain.market import Market
from include.domain.order import Fill, Order, OrderReport, OrderState, OrderType, Side, TimeInForce
from include.domain.portfolio import ExecutionMode, Limits, Portfolio, UnreachablePolicy
from include.domain.quote import Quote
from include.domain.run import Run, ScreenSource

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
maybe_text = st.none() | text
numbers = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=9)
positive = st.decimals("0.000000001", 10**12, places=9)
percents = st.decimals("0.000000001", 100, places=9)
basis_points = st.decimals(0, "9999.999999999", places=9)
codes = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=5)
maybe_number = st.none() | numbers
times = st.integers(0, 4_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC)) | st.integers(0, 999_999).map(
    lambda micro: datetime(2026, 3, 4, 21, 30, 59, micro, tzinfo=UTC)
)
days = st.dates(date(1990, 1, 1), date(2100, 1, 1))
environments = st.sampled_from(Environment)
classes = st.sampled_from(AssetClass)

accounts = st.builds(
    Account, account_id=text, broker=text, environment=environments, broker_account=maybe_text, connection=maybe_text
)
positions = st.builds(
    Position,
    native_id=text,
    symbol=text,
    name=text,
    isin=maybe_text,
    currency=text,
    mic=text,
    quantity=numbers,
    average_cost=maybe_number,
    market_price=maybe_number,
)
contracts = st.builds(
    Contract,
    broker=text,
    native_id=text,
    symbol=text,
    name=text,
    asset_class=classes,
    currency=text,
    mic=text,
    exchange=text,
    isin=maybe_text,
    figi=maybe_text,
    multiplier=positive,
    price_magnifier=positive,
    lot_size=positive,
    tick_size=positive,
    min_notional=st.none() | positive,
    tradable=st.booleans(),
    fractionable=st.booleans(),
    inactive_reason=maybe_text,
    evidence=maybe_text,
)
fills = st.builds(
    Fill, fill_id=text, quantity=positive, price=numbers, time=times, commission=maybe_number, commission_currency=maybe_text
)
reports = st.builds(
    OrderReport,
    client_order_id=text,
    broker_order_id=maybe_text,
    native_id=maybe_text,
    side=st.none() | st.sampled_from(Side),
    quantity=maybe_number,
    state=st.sampled_from(OrderState),
    filled_quantity=numbers,
    average_price=maybe_number,
    fills=st.lists(fills, max_size=2).map(tuple),
    code=maybe_text,
    message=maybe_text,
    updated_at=st.none() | times,
)
snapshots = st.builds(
    AccountSnapshot,
    account_id=text,
    broker=text,
    environment=environments,
    currency=text,
    equity=numbers,
    settled_cash=st.dictionaries(text, numbers, max_size=3),
    positions=st.lists(positions, max_size=2).map(tuple),
    open_orders=st.lists(reports, max_size=2).map(tuple),
    taken_at=times,
    session=text,
    frozen=st.booleans(),
    frozen_reason=maybe_text,
)
orders = st.builds(
    Order,
    client_order_id=text,
    portfolio=text,
    environment=text,
    account=text,
    broker=text,
    as_of=text,
    revision=st.integers(0, 9),
    ticker=text,
    instrument_id=text,
    contract=contracts,
    mic=text,
    side=st.sampled_from(Side),
    order_type=st.sampled_from(OrderType),
    time_in_force=st.sampled_from(TimeInForce),
    quantity=positive,
    limit_price=maybe_number,
    quote_price=numbers,
    quote_time=times,
    fx_rate=positive,
    notional=numbers,
    current_quantity=numbers,
    target_quantity=numbers,
    delta_quantity=numbers,
    reason=text,
    valid_until=times,
    hold_reason=maybe_text,
)
instruments = st.builds(
    Instrument, instrument_id=text, ticker=text, name=text, isin=maybe_text, currency=text, market=text, asset_class=classes
)
mappings = st.builds(
    Mapping,
    broker=text,
    ticker=text,
    instrument_id=text,
    status=st.sampled_from(MappingStatus),
    contract=st.none() | contracts,
    search_method=maybe_text,
    score=st.none() | st.floats(0, 1),
    reason=maybe_text,
    candidates=st.lists(text, max_size=3).map(tuple),
)
markets = st.builds(
    Market,
    market=text,
    name=text,
    yahoo_suffix=text,
    mics=st.lists(text, max_size=3).map(tuple),
    exchange_words=st.lists(text, max_size=2).map(tuple),
    currencies=st.lists(text, min_size=1, max_size=2).map(tuple),
    calendar=text,
    lot_size=positive,
    region=text,
)
quotes = st.builds(Quote, native_id=text, currency=text, bid=maybe_number, ask=maybe_number, last=maybe_number, time=times)
limits = st.builds(
    Limits,
    max_order_pct=positive,
    max_turnover_pct=positive,
    collar_bp=basis_points,
    collar_bp_by_market=st.dictionaries(text, basis_points, max_size=2),
    max_quote_deviation_pct=positive,
    max_quote_move_pct=positive,
    do_not_trade=st.lists(text, max_size=2).map(tuple),
)
portfolios = st.builds(
    Portfolio,
    portfolio_id=text,
    environment=environments,
    base_currency=codes,
    accounts=st.lists(accounts, max_size=2).map(tuple),
    limits=limits,
    cash_buffer_pct=percents,
    max_weight_pct=percents,
    unreachable_policy=st.sampled_from(UnreachablePolicy),
    trade_other_listings=st.booleans(),
)
sources = st.builds(
    ScreenSource,
    key=text,
    name=text,
    kind=text,
    screen_uri=text,
    backtest_uri=maybe_text,
    dated=days,
    sha256=text,
    synthetic=st.booleans(),
)
json_values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | text
runs = st.builds(
    Run,
    run_id=text,
    folder=text,
    as_of=days,
    run_after=times,
    mode=st.sampled_from(ExecutionMode),
    is_backfill=st.booleans(),
    is_newest=st.booleans(),
    brokers=st.lists(text, max_size=2).map(tuple),
    portfolios=st.lists(portfolios, max_size=2).map(tuple),
    screens=st.lists(sources, max_size=2).map(tuple),
    config_sha256=text,
    options=st.dictionaries(text, json_values, max_size=3),
    previous=maybe_text,
)
events = st.builds(Event, topic=text, time=times, body=st.dictionaries(text, json_values, max_size=3))

VALUES = {
    "account": accounts,
    "position": positions,
    "snapshot": snapshots,
    "contract": contracts,
    "fill": fills,
    "report": reports,
    "order": orders,
    "instrument": instruments,
    "mapping": mappings,
    "market": markets,
    "quote": quotes,
    "limits": limits,
    "portfolio": portfolios,
    "source": sources,
    "run": runs,
    "event": events,
}
