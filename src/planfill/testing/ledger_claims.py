"""The contract of a ledger's claims."""

from __future__ import annotations

from datetime import timedelta

import pytest

from planfill.domain.errors import AccountBusy, FenceLost
from planfill.domain.identity import AccountKey
from planfill.testing.events import ACCOUNT, AT, a_start, an_alert, an_execution
from planfill.testing.ledger_cards import LedgerCards, LedgerUnderTest, Opener

OTHER = AccountKey(broker="contract", environment="paper", number="A-10")


class ClaimContract(LedgerCards):
    """Cards C01 to C12."""

    async def test_an_account_is_held_by_one_only(self, open_ledger: Opener) -> None:
        """C01."""
        async with await open_ledger().claim(ACCOUNT, holder="the first", at=AT):
            with pytest.raises(AccountBusy):
                await open_ledger().claim(ACCOUNT, holder="the second", at=AT)

    async def test_a_ledger_does_not_give_an_account_twice(self, ledger: LedgerUnderTest) -> None:
        """C02."""
        async with await ledger.claim(ACCOUNT, holder="the first", at=AT):
            with pytest.raises(AccountBusy):
                await ledger.claim(ACCOUNT, holder="the second", at=AT)

    async def test_who_is_refused_is_told_who_holds_it_and_since_when(self, open_ledger: Opener) -> None:
        """C03."""
        long, short = "Łukasz on a host, process 4711, " * 20, "short"
        for holder in (long, short):
            async with await open_ledger().claim(ACCOUNT, holder=holder, at=AT):
                with pytest.raises(AccountBusy) as caught:
                    await open_ledger().claim(ACCOUNT, holder="late", at=AT + timedelta(1))
            assert f"{ACCOUNT} is held by {holder} since 2021-03-31T15:00:00.000001Z" in str(caught.value)

    async def test_other_accounts_stay_free(self, open_ledger: Opener) -> None:
        """C04."""
        async with (
            await open_ledger().claim(ACCOUNT, holder="one", at=AT) as one,
            await open_ledger().claim(OTHER, holder="two", at=AT) as two,
        ):
            assert (one.account, two.account) == (ACCOUNT, OTHER)

    async def test_leaving_the_context_frees_the_account(self, open_ledger: Opener) -> None:
        """C05."""
        for _ in range(3):
            async with await open_ledger().claim(ACCOUNT, holder="one", at=AT):
                pass

    async def test_an_exception_frees_the_account(self, open_ledger: Opener) -> None:
        """C06."""
        with pytest.raises(ZeroDivisionError):
            async with await open_ledger().claim(ACCOUNT, holder="one", at=AT):
                raise ZeroDivisionError
        async with await open_ledger().claim(ACCOUNT, holder="two", at=AT):
            pass

    async def test_leaving_twice_does_not_free_it_from_the_next(self, open_ledger: Opener) -> None:
        """C07."""
        async with await open_ledger().claim(ACCOUNT, holder="one", at=AT) as claim:
            pass
        async with await open_ledger().claim(ACCOUNT, holder="two", at=AT):
            await claim.__aexit__(None, None, None)
            with pytest.raises(AccountBusy):
                await open_ledger().claim(ACCOUNT, holder="three", at=AT)

    async def test_each_claim_has_a_higher_fence(self, open_ledger: Opener) -> None:
        """C08."""
        fences = []
        for _ in range(3):
            async with await open_ledger().claim(ACCOUNT, holder="one", at=AT) as claim:
                fences.append(claim.fence)
        assert fences == sorted(set(fences))

    async def test_who_is_refused_fences_nobody_off(self, open_ledger: Opener) -> None:
        """C09."""
        ledger = open_ledger()
        async with await ledger.claim(ACCOUNT, holder="one", at=AT) as claim:
            with pytest.raises(AccountBusy):
                await open_ledger().claim(ACCOUNT, holder="two", at=AT)
            assert await ledger.append(an_execution(), [a_start()], at=AT, claim=claim)

    async def test_an_older_claim_writes_nothing_any_more(self, open_ledger: Opener) -> None:
        """C10."""
        ledger = open_ledger()
        async with await ledger.claim(ACCOUNT, holder="one", at=AT) as old:
            await ledger.append(an_execution(), [a_start()], at=AT, claim=old)
        async with await open_ledger().claim(ACCOUNT, holder="two", at=AT) as new:
            for stream in (an_execution(), f"account/{ACCOUNT}", "system"):
                with pytest.raises(FenceLost, match="claimed by another"):
                    await ledger.append(stream, [an_alert("lost")], at=AT, claim=old)
                await ledger.append(stream, [an_alert("kept")], at=AT, claim=new)
                assert (await ledger.read(stream))[-1].event == an_alert("kept")
        assert len(await ledger.read(an_execution())) == 2

    async def test_an_execution_is_written_with_the_claim_on_its_account_only(
        self, ledger: LedgerUnderTest
    ) -> None:
        """C11."""
        async with (
            await ledger.claim(ACCOUNT, holder="one", at=AT) as claim,
            await ledger.claim(OTHER, holder="one", at=AT) as other,
        ):
            for wrong in (None, other):
                with pytest.raises(ValueError, match="claim"):
                    await ledger.append(an_execution(), [a_start()], at=AT, claim=wrong)
            with pytest.raises(ValueError, match="claim"):
                await ledger.append(an_execution(account=OTHER), [a_start()], at=AT, claim=claim)
            assert await ledger.read(an_execution()) == ()

    async def test_anybody_writes_to_the_account_and_the_system(self, open_ledger: Opener) -> None:
        """C12."""
        ledger = open_ledger()
        async with await ledger.claim(ACCOUNT, holder="one", at=AT) as claim:
            for stream in (f"account/{ACCOUNT}", "system"):
                await open_ledger().append(stream, [an_alert("theirs")], at=AT)
                await ledger.append(stream, [an_alert("ours")], at=AT, claim=claim)
                assert [one.number for one in await ledger.read(stream)] == [1, 2]
