"""Halts as files beside the ledger's: while one stands there, it holds."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import ValidationError

from planfill.application.ports.halt import HaltSwitch
from planfill.domain.errors import HaltUnavailable
from planfill.domain.halting import Halt, strictest, unhalt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from planfill.domain.identity import AccountKey


class FileHalts(HaltSwitch):
    """
    ``planfill.db.halt`` for all accounts, ``planfill.db-<hash>.halt`` for one; the halt is in it as JSON.

    A file that says nothing of the kind halts all the same: whoever can do no more than make one is obeyed.
    """

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._paths: dict[AccountKey | None, Path] = {}

    @property
    def where(self) -> str:
        """See the port."""
        return f"a file beside {self._ledger}"

    def read(self, account: AccountKey | None) -> Halt | None:
        """See the port."""
        both = {account: None, None: None}  # once where they are the same
        return strictest(*(self._read(one) for one in both))

    def set(self, halt: Halt) -> None:
        """See the port."""
        path = self._path(halt.account)
        # Under another name first: nobody is to read half of it.
        new = path.with_name(f"{path.name}.{os.getpid()}")
        with self._errors(path, "written"):
            try:
                with new.open("w", encoding="utf-8") as file:
                    file.write(halt.model_dump_json())
                    file.flush()
                    os.fsync(file.fileno())
                new.replace(path)
            finally:
                new.unlink(missing_ok=True)
            self._sync_folder()

    def clear(self, account: AccountKey | None) -> None:
        """See the port."""
        path = self._path(account)
        with self._errors(path, "removed"):
            path.unlink(missing_ok=True)
            self._sync_folder()

    def _read(self, account: AccountKey | None) -> Halt | None:
        path = self._path(account)
        try:
            # Before each send: as quick as it can be where there is none.
            with open(path, "rb") as file:  # noqa: PTH123
                content = file.read()
        except FileNotFoundError:
            return None
        except OSError as e:
            raise self._unavailable(path, "read", e) from e
        try:
            return Halt.model_validate_json(content)
        except ValidationError as e:
            msg = f"{path} stands there, and says no halt of ours: nothing is sent until {unhalt(account)}"
            raise HaltUnavailable(msg) from e

    @contextmanager
    def _errors(self, path: Path, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as e:
            raise self._unavailable(path, what, e) from e

    def _unavailable(self, path: Path, what: str, error: OSError) -> HaltUnavailable:
        return HaltUnavailable(f"the halt file {path} cannot be {what}: {error.strerror or error}")

    def _sync_folder(self) -> None:
        folder = os.open(self._ledger.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _path(self, account: AccountKey | None) -> Path:
        if account not in self._paths:
            whose = "" if account is None else f"-{hashlib.sha256(str(account).encode()).hexdigest()[:16]}"
            self._paths[account] = self._ledger.with_name(f"{self._ledger.name}{whose}.halt")
        return self._paths[account]
