"""Which of the accounts of the settings a plan is for: it is said, never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planfill.domain.errors import AccountMismatch, PlanInvalid, Problem
from planfill.domain.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Collection


def chosen(plan: Plan, account: str | None) -> Plan:
    """
    Give the plan with the account that was chosen beside it, where it names none itself.

    Raises:
        PlanInvalid: It names another one.

    """
    if account is None or plan.account == account:
        return plan
    if plan.account is not None:
        message = f"the plan is for {plan.account!r}, and {account!r} was chosen beside it: which is meant?"
        raise PlanInvalid([Problem(path="account", message=message)])
    fields = {name: value for name, value in plan if name in plan.model_fields_set}
    return Plan.model_validate({**fields, **(plan.model_extra or {}), "account": account})


def recorded(plan: Plan, accounts: Collection[str], account: str | None) -> str | None:
    """
    Give the account of a plan that was executed: the recorded one, whatever is chosen now.

    ``account`` counts where the record bears no name of these settings: it is from before, or was renamed.
    Whoever is asked then compares the key of the account.

    Raises:
        AccountMismatch: Another one was chosen than is recorded.

    """
    if not accounts:
        return None
    if plan.account in accounts:
        if account not in {None, plan.account}:
            msg = f"plan {plan.plan_id!r} is executed on account {plan.account!r}, not on {account!r}"
            raise AccountMismatch(msg)
        return plan.account
    return account or plan.account
