"""What the real TWS and IB Gateway sent, field by field: single messages out of recordings that others have published.

A field is `name=value`; what depends on the day, the account or the price has a form after a tilde. Fields that came after the
server version the venue announces (176) are left out of later recordings; each such message says which.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

FORMS = {
    "number": r"-?\d+(\.\d+)?(E308)?",  # the double that means "unset" included
    "double": r"\d+\.\d+(E308)?",
    "int": r"\d+",
    "code": r"\S+",
    "text": r".*\S.*",
    "any": r".*",
    "zone": r"UTC|[A-Z]\w+/\w+",
    "time": r"\d{8} \d\d:\d\d:\d\d (UTC|[A-Z]\w+/\w+)",
    "words": r"[A-Z0-9]+(,[A-Z0-9]+)*",
    "rules": r"\d+(,\d+)*",
    "hours": r"\d{8}:(CLOSED|\d{4}-\d{8}:\d{4})(;\d{8}:(CLOSED|\d{4}-\d{8}:\d{4}))*",
    "execution": r"[0-9a-f]{8}\.[0-9a-f]{8}\.\d\d\.\d\d",
    "allocation": r"\d+\.\d/DU\d+/100",
}
UNSET = "1.7976931348623157E308"


@dataclass(frozen=True)
class Recorded:
    """One message as it was received.

    Attributes:
        source: Repository and file, and the server version of the recording.
        fields: (name, value, form) in the order of the wire; form "": the value itself.
    """

    source: str
    fields: tuple[tuple[str, str, str], ...]

    def differences(self, message: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Name -> (recorded, sent) of the fields that are not as recorded; {} where all are."""
        assert len(message) == len(self.fields), f"{len(message)} fields, recorded were {len(self.fields)}"
        rows = zip(self.fields, message, strict=True)
        return {name: (value, sent) for (name, value, form), sent in rows if not _alike(value, sent, form)}


def recorded(source: str, text: str) -> Recorded:
    """A message from its written form; a form that the recorded value does not have is a mistake here."""
    fields = []
    for part in text.split("|"):
        name, _, rest = part.strip().partition("=")
        value, _, form = rest.partition("~")
        assert not form or re.fullmatch(FORMS[form], value), f"{name}: {value!r} is no {form}"
        fields.append((name, value, form))
    return Recorded(source, tuple(fields))


def _alike(value: str, sent: str, form: str) -> bool:
    return sent == value if not form else re.fullmatch(FORMS[form], sent) is not None


SESSION = "wboayue/rust-ibapi src/transport/sync/tests.rs, a session at 173"
GATEWAY = "ThomasMarcelis/ibkr-go internal/codec/codec_capture_test.go, IB Gateway at 200"

GREETING = recorded(SESSION, "version=173~int|time=20250415 19:38:30 British Summer Time~text")
ACCOUNTS = recorded(SESSION, "msg=15|version=1|accounts=DU1234567~code")
NEXT_ID = recorded(SESSION, "msg=9|version=1|orderId=5~int")
FARM = recorded(SESSION, "msg=4|version=2|reqId=-1|code=2104|text=Market data farm connection is OK:usfarm~text|reject=")
CURRENT_TIME = recorded(GATEWAY, "msg=49|version=1|time=1781163646~int")

_CONTRACT = "conId=265598|symbol=AAPL|secType=STK|expiry=|strike={strike}|right={right}|multiplier=|exchange={exchange}"
_CONTRACT += "|currency=USD|localSymbol=AAPL|tradingClass=NMS~code"
_DELTA_NEUTRAL = "deltaNeutralOrderType=None|deltaNeutralAuxPrice=|deltaNeutralConId=0"
_SCALE = "scaleInitLevelSize=2147483647|scaleSubsLevelSize=2147483647|scalePriceIncrement=|hedgeType="
_MARGINS = "initMarginBefore maintMarginBefore equityWithLoanBefore initMarginChange maintMarginChange equityWithLoanChange"
_MARGINS += " initMarginAfter maintMarginAfter equityWithLoanAfter"

# AAPL, market order to buy 100, just taken; the second recording told it again when it had filled
OPEN_ORDER = recorded(
    SESSION,
    "msg=5|orderId=5|"
    + _CONTRACT.format(strike="0", right="?", exchange="SMART")
    + "|action=BUY|totalQuantity=100|orderType=MKT|lmtPrice=0.0|auxPrice=0.0|tif=DAY|ocaGroup=|account=DU1234567~code|openClose="
    "|origin=0|orderRef=|clientId=100|permId=600745656~int|outsideRth=0|hidden=0|discretionaryAmt=0|goodAfterTime="
    "|sharesAllocation=600745656.0/DU1234567/100~allocation|faGroup=|faMethod=|faPercentage=|faProfile=|modelCode="
    "|goodTillDate=|rule80A=|percentOffset=|settlingFirm=|shortSaleSlot=0|designatedLocation=|exemptCode=-1|auctionStrategy=0"
    "|startingPrice=|stockRefPrice=|delta=|stockRangeLower=|stockRangeUpper=|displaySize=2147483647|blockOrder=0"
    "|sweepToFill=0|allOrNone=0|minQty=|ocaType=3|eTradeOnly=0|firmQuoteOnly=0|nbboPriceCap=|parentId=0|triggerMethod=0"
    "|volatility=|volatilityType=0|" + _DELTA_NEUTRAL + "|deltaNeutralSettlingFirm=|deltaNeutralClearingAccount="
    "|deltaNeutralClearingIntent=|deltaNeutralOpenClose=?|deltaNeutralShortSale=0|deltaNeutralShortSaleSlot=0"
    "|deltaNeutralDesignatedLocation=|continuousUpdate=0|referencePriceType=0|trailStopPrice=|trailingPercent=|basisPoints="
    "|basisPointsType=|comboLegsDescrip=|comboLegs=0|orderComboLegs=0|smartComboRoutingParams=0|" + _SCALE + "|optOut=0"
    "|clearingAccount=|clearingIntent=IB|notHeld=0|deltaNeutralContract=0|algoStrategy=|solicited=0|whatIf=0"
    "|status=PreSubmitted~code|"
    + "|".join(f"{name}={UNSET}" for name in _MARGINS.split())
    + "|commission=|minCommission=|maxCommission=|commissionCurrency=|warningText=|randomizeSize=0|randomizePrice=0|conditions=0"
    "|adjustedOrderType=None|"
    + "|".join(
        f"{name}={UNSET}"
        for name in ("triggerPrice", "stop", "lmtPriceOffset", "adjustedStop", "adjustedStopLimit", "adjustedTrailing")
    )
    + "|adjustableTrailingUnit=0|softDollarName=|softDollarValue=|softDollarDisplayName=|cashQty=0|dontUseAutoPriceForHedge=1"
    "|isOmsContainer=0|discretionaryUpToLimitPrice=0|usePriceMgmtAlgo=0|duration=|postToAts=|autoCancelParent=0|minTradeQty="
    "|minCompeteSize=100|competeAgainstBestOffset=0.02|midOffsetAtWhole=|midOffsetAtHalf=",
)
ORDER_STATUS = recorded(
    SESSION,
    "msg=3|orderId=5|status=Filled|filled=100|remaining=0|avgFillPrice=201.94~number|permId=600745656~int|parentId=0"
    "|lastFillPrice=201.94~number|clientId=100|whyHeld=|mktCapPrice=0",
)
EXECUTION = recorded(  # the time has had its zone since 174 (the same message at 200: 20260413 15:27:04 US/Eastern)
    SESSION,
    "msg=11|reqId=-1|orderId=5|"
    + _CONTRACT.format(strike="0.0", right="", exchange="IEX~code")
    + "|execId=0000e0d5.67fe667b.01.01~execution|time=20250415 19:38:31 US/Eastern~time|account=DU1234567~code|exchange=IEX~code"
    "|side=BOT|shares=100|price=201.94~number|permId=600745656~int|clientId=100|liquidation=0|cumQty=100|avgPrice=201.94~number"
    "|orderRef=|evRule=|evMultiplier=|modelCode=|lastLiquidity=2",
)
COMMISSION = recorded(
    GATEWAY,
    "msg=59|version=1|execId=0000e0d5.69dd7411.01.01~execution|commission=1.0003~number|currency=USD"
    "|realizedPNL=-68.051912~number|yield=1.7976931348623157E308|yieldRedemptionDate=",
)
EXECUTIONS_END = recorded(GATEWAY, "msg=55|version=1|reqId=3")
OPEN_ORDERS_END = recorded(GATEWAY, "msg=53|version=1")
COMPLETED_ORDERS_END = recorded(GATEWAY, "msg=102")

# ES, limit order to buy 1, cancelled
COMPLETED_ORDER = recorded(
    "wboayue/rust-ibapi src/orders/common/test_data.rs, IB Gateway at 170 or later",
    "msg=101|conId=637533641|symbol=ES|secType=FUT|expiry=20250919|strike=0|right=?|multiplier=50|exchange=CME|currency=USD"
    "|localSymbol=ESU5~code|tradingClass=ES|action=BUY|totalQuantity=1|orderType=LMT|lmtPrice=5800.0|auxPrice=0.0|tif=DAY"
    "|ocaGroup=|account=DU1236109~code|openClose=|origin=0|orderRef=|permId=2126726143~int|outsideRth=0|hidden=0"
    "|discretionaryAmt=0|goodAfterTime=|faGroup=|faMethod=|faPercentage=|faProfile=|modelCode=|goodTillDate=|rule80A="
    "|percentOffset=|settlingFirm=|shortSaleSlot=0|designatedLocation=|exemptCode=-1|startingPrice=|stockRefPrice=|delta="
    "|stockRangeLower=|stockRangeUpper=|displaySize=2147483647|sweepToFill=0|allOrNone=0|minQty=|ocaType=3|triggerMethod=0"
    "|volatility=|volatilityType=0|" + _DELTA_NEUTRAL + "|deltaNeutralShortSale=0|deltaNeutralShortSaleSlot=0"
    "|deltaNeutralDesignatedLocation=|continuousUpdate=0|referencePriceType=0|trailStopPrice=|trailingPercent="
    "|comboLegsDescrip=|comboLegs=0|orderComboLegs=0|smartComboRoutingParams=0|" + _SCALE + "|clearingAccount="
    "|clearingIntent=IB|notHeld=0|deltaNeutralContract=0|algoStrategy=|solicited=0|status=Cancelled|randomizeSize=0"
    "|randomizePrice=0|conditions=0|stop=5801.0~double|lmtPriceOffset=1.7976931348623157E308|cashQty=0"
    "|dontUseAutoPriceForHedge=1|isOmsContainer=0|autoCancelDate=|filledQuantity=0|refFuturesConId=2147483647"
    "|autoCancelParent=0|shareholder=Not an insider or substantial shareholder|imbalanceOnly=0|routeMarketableToBbo=0"
    "|parentPermId=9223372036854775807|completedTime=20250708 02:34:46 America/New_York~time"
    "|completedStatus=Cancelled by Trader|minTradeQty=|minCompeteSize=|competeAgainstBestOffset=|midOffsetAtWhole="
    "|midOffsetAtHalf=",
)

# AAPL; at 200 a second expiry (since 181) and a count of reasons at the end (since 186) come in addition
CONTRACT_DETAILS = recorded(
    SESSION,
    "msg=10|reqId=9000|symbol=AAPL|secType=STK|expiry=|strike=0|right=|exchange=SMART|currency=USD|localSymbol=AAPL"
    "|marketName=NMS~code|tradingClass=NMS~code|conId=265598|minTick=0.01|multiplier=|orderTypes=DAY,GTC,LMT,MKT~words"
    "|validExchanges=SMART,NYSE,NASDAQ~words|priceMagnifier=1|underConId=0|longName=APPLE INC|primaryExchange=NASDAQ"
    "|contractMonth=|industry=Technology~any|category=Computers~any|subcategory=Computers~any|timeZoneId=US/Eastern~zone"
    "|tradingHours=20250324:0400-20250324:2000;20250325:0400-20250325:2000~hours"
    "|liquidHours=20250324:0930-20250324:1600;20250325:0930-20250325:1600~hours|evRule=|evMultiplier=|secIdCount=1|tag=ISIN"
    "|value=US0378331005|aggGroup=1|underSymbol=|underSecType=|marketRuleIds=26,26,26~rules|realExpirationDate="
    "|stockType=COMMON|minSize=0.0001~number|sizeIncrement=0.0001~number|suggestedSizeIncrement=100",
)
DETAILS_END = recorded(GATEWAY, "msg=52|version=1|reqId=1001")
# the first of the rows; description and issuer id came with 176 (MIN_SERVER_VER_BOND_ISSUERID in the official clients)
SYMBOLS = recorded(
    "wboayue/rust-ibapi src/contracts/mod.rs, IB Gateway before 176",
    "msg=79|reqId=9000|rows=1|conId=76792991~int|symbol=TSLA~code|secType=STK|primaryExchange=ISLAND~code|currency=USD"
    "|derivatives=0|description=TESLA INC~text|issuerId=~any",
)

POSITION = recorded(
    GATEWAY,
    "msg=61|version=3|account=DU9000001~code|conId=3691937~int|symbol=AMZN~code|secType=STK|expiry=|strike=0.0|right=|multiplier="
    "|exchange=NASDAQ|currency=USD|localSymbol=AMZN~code|tradingClass=NMS~code|position=15~number|averageCost=200.25~number",
)
POSITIONS_END = recorded(GATEWAY, "msg=62|version=1")
ACCOUNT_VALUE = recorded(GATEWAY, "msg=6|version=2|key=AccountCode|value=DU9000001~code|currency=|account=DU9000001~code")
PORTFOLIO = recorded(
    GATEWAY,
    "msg=7|version=8|"
    + _CONTRACT.format(strike="0", right="0", exchange="NASDAQ")
    + "|position=-100~number|marketPrice=291.6234436~number|marketValue=-29162.34~number|averageCost=291.2660812~number"
    "|unrealizedPNL=-35.74~number|realizedPNL=-71.44~number|account=DU9000001~code",
)
ACCOUNT_TIME = recorded(GATEWAY, "msg=8|version=1|time=14:34~code")
ACCOUNT_END = recorded(GATEWAY, "msg=54|version=1|account=DU9000001~code")
MULTI_VALUE = recorded(GATEWAY, "msg=73|version=1|reqId=1001|account=DU9000001~code|model=|key=Currency|value=EUR|currency=EUR")
MULTI_END = recorded(GATEWAY, "msg=74|version=1|reqId=1001")
SUMMARY = recorded(
    GATEWAY, "msg=63|version=1|reqId=1001|account=DU9000001~code|tag=BuyingPower~code|value=300000.00~number|currency=EUR"
)
SUMMARY_END = recorded(GATEWAY, "msg=64|version=1|reqId=1001")

TICK_PRICE = recorded(GATEWAY, "msg=1|version=6|reqId=1001|tickType=68~int|price=255.45~number|size=200~number|attributes=0")
TICK_STRING = recorded(GATEWAY, "msg=46|version=6|reqId=1001|tickType=88~int|value=1775174157~int")
TICK_PARAMETERS = recorded(GATEWAY, "msg=81|reqId=1001|minTick=0.01|bboExchange=9c0001|snapshotPermissions=4~int")
DATA_TYPE = recorded(GATEWAY, "msg=58|version=1|reqId=1001|type=3~int")
SNAPSHOT_END = recorded(GATEWAY, "msg=57|version=1|reqId=1001")

# until 196 begin and end of the whole stand in the message; later they come in one of their own
_BAR = "|date{n}={date}|open{n}=254.20~number|high{n}=254.80~number|low{n}=250.65~number|close{n}=252.53~number"
_BAR += "|volume{n}=948837.22~number|wap{n}=252.266~number|count{n}=13633~int"
_SPAN = "msg=17|reqId=9000|start=20230315 09:30:00 UTC~time|end=20230415 16:31:22 UTC~time|bars=2"
DAILY_BARS = recorded(
    "wboayue/rust-ibapi src/market_data/historical/common/decoders/tests.rs, at 165",
    _SPAN + _BAR.format(n=1, date="20230413") + _BAR.format(n=2, date="20230414"),
)
HOURLY_BARS = recorded(
    GATEWAY + " (start and end as before 196)",
    _SPAN
    + _BAR.format(n=1, date="20260402 09:30:00 US/Eastern~time")
    + _BAR.format(n=2, date="20260402 10:00:00 US/Eastern~time"),
)

_REJECTS = "ThomasMarcelis/ibkr-go testdata/transcripts/{}.txt, IB Gateway at 225 (the words; the fields are those of 173)"
CANCELLED = recorded(
    _REJECTS.format("api_order_rejects_aapl"), "msg=4|version=2|orderId=6|code=202|text=Order Canceled - reason:|reject="
)
NO_SUCH_CONTRACT = recorded(
    _REJECTS.format("api_order_rejects_aapl"),
    "msg=4|version=2|orderId=7|code=200|text=No security definition has been found for the request|reject=",
)
