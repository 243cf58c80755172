"""Looks for all streams of this process together: whether their sessions live, and what there is to tell.

A stream holds no connection and runs no statement of its own. Those that were woken, and those whose time has come to look by
themselves, wait in one queue; few looks at once, each for hundreds of streams, empty it. A stream is looked for only after
it has handed on what it was given before: of a reader that is slow, one page is held and no more.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

import asyncpg
import msgspec
import structlog
from litestar import Litestar

from app.identity.problems import NotSignedIn, TokenExpired
from app.identity.tokens import AccessToken
from app.notifications.inbox import LAST_SEQ
from app.notifications.row import Row
from app.platform.database import Pool
from app.platform.open_files import allow_many_files
from app.platform.problems import BUSY_ERRORS, Busy, Problem
from app.platform.sql import statement
from app.platform.stalls import cut_off_stalled
from app.platform.wakes import Wakes
from app.settings import Settings

log = structlog.get_logger()

LOOK = statement("notifications/stream")
PAGE = 100  # entries
AT_ONCE = 500  # streams in one look
LOOKS = 2  # at the same time, of all the connections of the pool
TICK_S = 0.5
REFUSED: dict[str, type[Problem]] = {"not_signed_in": NotSignedIn, "token_expired": TokenExpired}
AGAIN_AFTER_S = 2.0  # at the most, while the database is away


class News(msgspec.Struct, frozen=True):
    """What a stream is to say next: entries, how far is read, or how it ends; without any, that it lives."""

    rows: Sequence[Row] = ()
    locale: str = ""
    head: int = 0
    read_up_to: int = 0
    over: str = ""  # not_signed_in, token_expired, replaced, failed


class Reader:
    """One open stream: who reads, until when its token is good, after which seq it goes on, how far it said is read."""

    __slots__ = (
        "after",
        "answer",
        "expires_at",
        "look_at",
        "looking",
        "over",
        "participant_id",
        "session_id",
        "told_read",
        "woken",
    )

    def __init__(self, token: AccessToken, after: int = LAST_SEQ) -> None:
        self.participant_id, self.session_id, self.expires_at = token.participant_id, token.session_id, token.expires_at
        self.after, self.told_read = after, LAST_SEQ
        self.answer: asyncio.Future[News] | None = None  # None: it is sending
        self.look_at = 0.0
        self.looking = False
        self.woken = True  # it has not been looked for yet
        self.over = ""


class Desk:
    """Opened by `keep_desk` for as long as the process is up."""

    def __init__(self, pool: Pool, wakes: Wakes, settings: Settings) -> None:
        self._pool, self._wakes, self._wait_s = pool, wakes, settings.pool_wait_s
        self._every_s, self._stall_s = settings.stream_look_every_s, settings.stream_stall_s
        self._most, self._most_each = settings.streams_max, settings.streams_per_session
        self._readers: set[Reader] = set()
        self._of_session: defaultdict[UUID, list[Reader]] = defaultdict(list)
        self._due: dict[Reader, None] = {}
        self._some_are_due = asyncio.Event()

    @property
    def streams(self) -> int:
        """How many are open."""
        return len(self._readers)

    def admit(self) -> None:
        """Raises Busy when this process has as many streams as it may have."""
        if len(self._readers) >= self._most:
            raise Busy(after_s=random.randint(2, 30))  # noqa: S311

    async def sign_in(self, reader: Reader, after: int | None) -> None:
        """The stream goes on after this seq, or from now on. Raises NotSignedIn, TokenExpired, TimeoutError."""
        async with asyncio.timeout(self._wait_s):
            news = await self.next(reader)
        if news.over:
            raise REFUSED.get(news.over, Busy)
        reader.after = news.head if after is None else min(after, news.head)
        # Whoever resumes may have missed that another phone read on.
        reader.told_read = news.read_up_to if after is None else 0
        reader.woken = True  # by what came since

    @contextmanager
    def seat(self, reader: Reader) -> Iterator[None]:
        """The stream is looked for from here on. Of one session that has too many, the oldest ends."""
        self._readers.add(reader)
        mine = self._of_session[reader.session_id]
        mine.append(reader)
        if len(mine) > self._most_each:
            self._end(mine.pop(0), "replaced")
        self._put_off(reader)
        try:
            with self._wakes.listen(reader.participant_id, lambda: self._wake(reader)):
                yield
        finally:
            reader.answer = None
            self._readers.discard(reader)
            self._due.pop(reader, None)
            if reader in mine:
                mine.remove(reader)
            if not mine:
                self._of_session.pop(reader.session_id, None)

    async def next(self, reader: Reader) -> News:
        """Waits until there is something to say."""
        if reader.over:
            return News(over=reader.over)
        reader.answer = asyncio.get_running_loop().create_future()
        if reader.woken:
            self._ask(reader)
        return await reader.answer

    async def work(self) -> None:
        """Looks and looks, until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tick())
            for _ in range(LOOKS):
                group.create_task(self._look_on())

    def _wake(self, reader: Reader) -> None:
        reader.woken = True
        if reader.answer is not None and not reader.looking:
            self._ask(reader)

    def _ask(self, reader: Reader) -> None:
        self._due[reader] = None
        self._some_are_due.set()

    def _put_off(self, reader: Reader) -> None:
        """Some time before the next look is due by itself, so that those that came together do not stay together."""
        reader.look_at = time.monotonic() + self._every_s * random.uniform(0.6, 1.0)  # noqa: S311

    def _end(self, reader: Reader, how: str) -> None:
        reader.over = how
        self._tell(reader, News(over=how))

    def _tell(self, reader: Reader, news: News) -> None:
        answer, reader.answer = reader.answer, None
        self._due.pop(reader, None)
        self._put_off(reader)
        if answer is not None and not answer.done():
            answer.set_result(news)

    async def _tick(self) -> None:
        bounded = False
        while True:
            bounded = bounded or cut_off_stalled(self._stall_s)
            now = time.monotonic()
            for reader in self._readers:
                if reader.look_at <= now and reader.answer is not None and not reader.looking:
                    self._ask(reader)
            await asyncio.sleep(min(TICK_S, self._every_s / 8))

    async def _look_on(self) -> None:
        while True:
            await self._some_are_due.wait()
            batch = [reader for reader, _ in zip(self._due, range(AT_ONCE), strict=False)]
            for reader in batch:
                del self._due[reader]
                reader.looking, reader.woken = True, False
            if not self._due:
                self._some_are_due.clear()
            if batch:
                await self._look(batch)

    async def _look(self, batch: list[Reader]) -> None:
        try:
            found = await self._find(batch)
            for place, reader in enumerate(batch, start=1):
                reader.looking = False
                self._judge(reader, found.get(place, []))
        except BUSY_ERRORS as error:  # the database is away: the streams stay and are looked for again
            log.warning("streams_are_blind", error=type(error).__name__)
            for reader in batch:
                reader.looking = False
                reader.look_at = time.monotonic() + min(self._every_s, AGAIN_AFTER_S) * random.uniform(0.5, 1.0)  # noqa: S311
        except Exception:  # nobody else's streams end with theirs; they come again where they were
            log.exception("streams_failed")
            for reader in batch:
                self._end(reader, "failed")

    async def _find(self, batch: list[Reader]) -> dict[int, list[asyncpg.Record]]:
        """Rows by place in the batch, counted from one."""
        async with self._pool.acquire(timeout=self._wait_s) as connection:
            rows = await connection.fetch(
                LOOK,
                [reader.participant_id for reader in batch],
                [reader.session_id for reader in batch],
                [reader.after for reader in batch],
                PAGE,
            )
        found: dict[int, list[asyncpg.Record]] = {}
        for row in rows:
            if row["participant_id"] != batch[row["place"] - 1].participant_id:
                raise AssertionError("an entry for somebody else's stream")
            found.setdefault(row["place"], []).append(row)
        return found

    def _judge(self, reader: Reader, rows: list[asyncpg.Record]) -> None:
        if reader.answer is None:
            return  # it ended meanwhile
        if not rows:
            self._end(reader, "not_signed_in")
        elif rows[0]["now"] >= reader.expires_at:
            self._end(reader, "token_expired")
        elif rows[0]["seq"] is not None:
            reader.after = rows[-1]["seq"]
            more = len(rows) == PAGE
            reader.woken = reader.woken or more
            self._tell(reader, News(rows, rows[0]["locale"], read_up_to=0 if more else rows[0]["read_up_to"]))
        elif rows[0]["read_up_to"] > reader.told_read or reader.look_at <= time.monotonic():
            self._tell(reader, News(head=rows[0]["head"], read_up_to=rows[0]["read_up_to"]))
        elif reader.woken:
            self._ask(reader)  # rung while it was looked for


@asynccontextmanager
async def keep_desk(app: Litestar) -> AsyncIterator[None]:
    """The desk of an API process, in `app.state.desk`."""
    allow_many_files()
    app.state.desk = Desk(app.state.pool, app.state.wakes, app.state.settings)
    work = asyncio.create_task(app.state.desk.work())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
