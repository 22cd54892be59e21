"""The contract of ``Ledger``, ``Cursors`` and ``AuditTrail``: subclass ``LedgerContract``, open one."""

from __future__ import annotations

from planfill.testing.ledger_audit import AuditContract
from planfill.testing.ledger_claims import ClaimContract
from planfill.testing.ledger_streams import StreamContract


class LedgerContract(StreamContract, ClaimContract, AuditContract):
    """Cards L01 to L18 of the streams and the cursors, C01 to C12 of the claims, V01 to V05 of the audit."""
