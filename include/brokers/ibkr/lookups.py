"""Finding the wanted instruments at IBKR, which cannot list: paced look-ups, strongest key first, none asked twice."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from include.brokers.ibkr.details import Row, row
from include.brokers.ibkr.loop_thread import gather
from include.brokers.ibkr.queries import Query, stages
from include.brokers.ibkr.rules import rules
from include.brokers.ibkr.session import Session
from include.domain.instrument import Instrument
from include.domain.market import Market
from include.errors import BrokerUnavailable, InvalidSymbol

MAX_NAMESAKES = 5  # candidates of a name search that are worth a look-up each
CHAINS = 64  # instruments under way at once: more than fit into a second, few enough that slow name searches start early
_STRENGTH = {"isin": 0, "symbol": 1, "pair": 1, "name": 2}


class Finder:
    """Look-ups of one `contracts` call.

    Args:
        session: Where to ask.
        markets: By market id; an instrument of an unknown market takes a symbol from any exchange.
        mics: IBKR's word for an exchange -> MIC.
        known: Answers by key that need no asking.

    Attributes:
        answers: What was asked and answered now, by key; [] is a definite "not found".
    """

    def __init__(
        self, session: Session, markets: Mapping[str, Market], mics: Mapping[str, str], known: Mapping[str, list[Row]]
    ) -> None:
        self._session = session
        self._markets = markets
        self._mics = mics
        self._known = known
        self._chains = asyncio.Semaphore(CHAINS)
        self._asking: dict[str, asyncio.Task[list[Row]]] = {}
        self.answers: dict[str, list[Row]] = {}

    async def find(self, wanted: Sequence[Instrument]) -> list[Row]:
        """One row per contract and ISIN it goes by, in the order of what was wanted, each with its strongest evidence.

        A contract that answers to two ISINs, or tells another one than it was found by, keeps a row for each: whose it is, is for
        the matcher to judge.

        Raises:
            Transient: A look-up could not be answered; `answers` holds those that were.
        """
        try:
            found = await gather([self._find_one(instrument) for instrument in wanted])
        finally:
            for task in self._asking.values():
                task.cancel()
            await asyncio.gather(*self._asking.values(), return_exceptions=True)
        return _best(found)

    async def _find_one(self, instrument: Instrument) -> list[tuple[int, Row]]:
        market = self._markets.get(instrument.market)
        async with self._chains:
            for queries in stages(instrument, market):
                answers = await gather([self._answer(query, market) for query in queries])
                if rows := _rows(queries, answers, market):
                    return rows
        return []

    async def _answer(self, query: Query, market: Market | None) -> list[Row]:
        if query.key in self._known:
            return self._known[query.key]
        if query.key not in self._asking:
            ask = self._by_name(query, market) if query.pattern else self._by_contract(query.contract)
            self._asking[query.key] = asyncio.ensure_future(ask)
        answer = await asyncio.shield(self._asking[query.key])
        self.answers[query.key] = answer
        return answer

    async def _by_contract(self, contract: Mapping[str, Any]) -> list[Row]:
        return await details(self._session, self._mics, contract)

    async def _by_name(self, query: Query, market: Market | None) -> list[Row]:
        ib = self._session.ib
        described = await self._session.ask(lambda: ib.reqMatchingSymbolsAsync(query.pattern), "name_search")
        if described is None:  # ib_insync gives up by itself, and says so only in its log
            raise BrokerUnavailable(f"IBKR at {self._session.place} did not answer a name search")
        found = [each.contract for each in described]
        fitting = [
            each
            for each in found
            if each.secType == query.contract["secType"] and each.currency == query.contract["currency"] and each.conId
        ]
        exchanges = market.exchange_words if market else ()
        fitting.sort(
            key=lambda each: each.primaryExchange.split(".")[0] not in exchanges and each.primaryExchange not in exchanges
        )
        answers = await gather([self._by_contract({"conId": each.conId}) for each in fitting[:MAX_NAMESAKES]])
        return [each for answer in answers for each in answer]


def find_known(wanted: Sequence[Instrument], markets: Mapping[str, Market], known: Mapping[str, list[Row]]) -> list[Row] | None:
    """What `Finder.find` would say without asking anything; None where something has to be asked."""
    found = []
    for instrument in wanted:
        market = markets.get(instrument.market)
        for queries in stages(instrument, market):
            if any(query.key not in known for query in queries):
                return None
            if rows := _rows(queries, [known[query.key] for query in queries], market):
                found.append(rows)
                break
    return _best(found)


def _rows(queries: Sequence[Query], answers: Sequence[list[Row]], market: Market | None) -> list[tuple[int, Row]]:
    """(strength, row) of what one stage found."""
    return [
        (_STRENGTH[query.method], seen)
        for query, answer in zip(queries, answers, strict=True)
        for each in answer
        if query.method != "symbol" or _on_market(each, market)
        for seen in _seen(each, query)
    ]


def _best(found: Sequence[list[tuple[int, Row]]]) -> list[Row]:
    best: dict[tuple[str, str | None], tuple[int, Row]] = {}
    for strength, each in (one for ones in found for one in ones):
        key = each["native_id"], each["isin"]
        if key not in best or strength < best[key][0]:
            best[key] = strength, each
    told = {native_id for native_id, isin in best if isin}
    return [each for (native_id, isin), (_, each) in best.items() if isin or native_id not in told]


async def details(session: Session, mics: Mapping[str, str], contract: Mapping[str, Any]) -> list[Row]:
    """Rows of every contract that fits, each with what it takes (`rules`); [] only where IBKR says that there is none.

    Raises:
        Transient: There was no answer, or one that made no sense.
    """
    described = session.library.Contract(**contract)
    try:
        found = await session.ask(lambda: session.ib.reqContractDetailsAsync(described))
    except InvalidSymbol:
        return []
    if not found:
        raise BrokerUnavailable(f"IBKR at {session.place} ended a look-up without an answer")
    by_id = {each.contract.conId: {**row(each, mics), "rules": rules(each)} for each in found}
    return list(by_id.values())


async def rows_of(session: Session, mics: Mapping[str, str], con_ids: Sequence[str]) -> dict[str, Row]:
    """Rows by conId; a contract that IBKR does not describe any more is absent. Raises as `details`."""
    answers = await gather([details(session, mics, {"conId": int(each)}) for each in dict.fromkeys(con_ids)])
    return {row["native_id"]: row for answer in answers for row in answer}


def _seen(found: Row, query: Query) -> list[Row]:
    """The row under the ISIN that its query asked for, and once more where IBKR tells another one of it."""
    told = found["isin"]
    isins = [query.evidence.removeprefix("isin=")] if query.method == "isin" else [told]
    if told and told not in isins:
        isins.append(told)
    return [{**found, "isin": isin, "evidence": query.evidence} for isin in isins]


def _on_market(found: Row, market: Market | None) -> bool:
    """Whether a row that a symbol found is on the wanted market; an exchange IBKR does not tell is left to the matcher."""
    return market is None or not found["exchange"] or found["exchange"] in market.exchange_words
