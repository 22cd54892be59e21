"""What an examination sums up to."""

from __future__ import annotations

import pytest

from planfill.domain.examination import (
    CheckStatus,
    Examination,
    Finding,
    in_order,
    not_checked,
    not_in_order,
    note,
)


@pytest.mark.parametrize(
    ("finding", "status", "is_well"),
    [
        (in_order("a", "found"), CheckStatus.IN_ORDER, True),
        (note("a", "found"), CheckStatus.NOTE, True),
        (not_in_order("a", "found", "do this"), CheckStatus.NOT_IN_ORDER, False),
        (not_checked("a", "found"), CheckStatus.NOT_CHECKED, False),
    ],
)
def test_what_failed_and_what_was_not_checked_is_not_in_order(
    finding: Finding, status: CheckStatus, *, is_well: bool
) -> None:
    assert (finding.check, finding.status, finding.found) == ("a", status, "found")
    assert finding.is_well is is_well
    assert Examination.of([in_order("b", "x"), finding]).in_order is is_well


def test_a_failure_names_its_remedy() -> None:
    assert not_in_order("a", "found", "do this").remedy == "do this"
    assert not_checked("a", "why", "then this").remedy == "then this"
    assert note("a", "found", "or this").remedy == "or this"


def test_findings_keep_their_order() -> None:
    findings = (in_order("b", "x"), in_order("a", "y"))
    assert Examination.of(findings).findings == findings
