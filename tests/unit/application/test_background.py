"""What goes on behind a run: in order, whatever goes wrong, and not for ever."""

from __future__ import annotations

import asyncio

from planfill.application.background import Background
from planfill.domain.errors import LedgerUnavailable


async def test_one_thing_is_done_after_the_other_and_what_goes_wrong_is_told_once() -> None:
    background, done = Background(), list[str]()

    async def first() -> None:
        await asyncio.sleep(0)
        done.append("first")
        raise LedgerUnavailable("no ledger")

    async def second() -> None:
        done.append("second")
        raise KeyError("x")

    background.begin(first)
    background.begin(second)
    assert done == []
    assert await background.done() == ("no ledger", "KeyError: 'x'")
    assert done == ["first", "second"]
    assert await background.done() == ()


async def test_what_is_done_already_is_not_waited_for() -> None:
    background, done = Background(), asyncio.Event()

    async def work() -> None:
        done.set()

    background.begin(work)
    await done.wait()
    await asyncio.sleep(0)
    assert await background.done() == ()


async def test_what_takes_for_ever_is_left_and_all_that_waits_for_it() -> None:
    background, left = Background(patience_s=0), list[str]()

    async def for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            left.append("it")

    async def after() -> None:
        left.append("never")

    background.begin(for_ever)
    background.begin(after)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    (trouble,) = await background.done()
    assert "sent later" in trouble
    assert left == ["it"]
