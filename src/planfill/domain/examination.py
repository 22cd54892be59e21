"""What an examination of the set-up found: one finding a check, each with what to do about it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from planfill.domain.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable


class CheckStatus(StrEnum):
    """How a check ended."""

    IN_ORDER = "IN_ORDER"
    NOT_IN_ORDER = "NOT_IN_ORDER"
    NOT_CHECKED = "NOT_CHECKED"
    """It was owed and could not be done; why stands in the finding."""
    NOTE = "NOTE"
    """Worth knowing; nothing stands against executing."""


class Finding(Value, frozen=True):
    """What one check found, in one line; ``remedy`` says what to do, and is empty where nothing is to do."""

    check: str
    status: CheckStatus
    found: str
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        """Whether nothing stands against executing, as far as this goes."""
        return self.status in {CheckStatus.IN_ORDER, CheckStatus.NOTE}


class Examination(Value, frozen=True):
    """All findings, in the order of the checks; what could not be checked is not in order."""

    in_order: bool
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Examination:
        """Sum findings up."""
        found = tuple(findings)
        return cls(in_order=all(one.is_well for one in found), findings=found)


def in_order(check: str, found: str) -> Finding:
    """Say what is as it should be."""
    return Finding(check=check, status=CheckStatus.IN_ORDER, found=found)


def not_in_order(check: str, found: str, remedy: str) -> Finding:
    """Say what is not as it should be, and what to do."""
    return Finding(check=check, status=CheckStatus.NOT_IN_ORDER, found=found, remedy=remedy)


def not_checked(check: str, why: str, remedy: str = "") -> Finding:
    """Say why a check was not done."""
    return Finding(check=check, status=CheckStatus.NOT_CHECKED, found=why, remedy=remedy)


def note(check: str, found: str, remedy: str = "") -> Finding:
    """Say something worth knowing."""
    return Finding(check=check, status=CheckStatus.NOTE, found=found, remedy=remedy)
