"""The contract of ``Ledger`` and ``Cursors``: subclass ``LedgerContract``, say how to open one."""

from __future__ import annotations

from planfill.testing.ledger_claims import ClaimContract
from planfill.testing.ledger_streams import StreamContract


class LedgerContract(StreamContract, ClaimContract):
    """Cards L01 to L16 of the streams and the cursors, C01 to C12 of the claims."""
