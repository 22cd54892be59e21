"""Every switch keeps the contract; and what is the file's alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from planfill.adapters.halts.file import FileHalts
from planfill.adapters.halts.memory import MemoryHalts
from planfill.application.ports.halt import HaltSwitch
from planfill.domain.errors import HaltUnavailable
from planfill.testing.halt import ACCOUNT, HaltSwitchContract, a_halt


class TestMemoryHalts(HaltSwitchContract):
    @pytest.fixture
    def switch(self) -> HaltSwitch:
        return MemoryHalts()

    @pytest.fixture
    def same(self, switch: HaltSwitch) -> HaltSwitch:
        return switch

    def test_it_says_that_no_other_process_sees_them(self, switch: HaltSwitch) -> None:
        assert "this process alone" in switch.where


class TestFileHalts(HaltSwitchContract):
    @pytest.fixture
    def switch(self, tmp_path: Path) -> HaltSwitch:
        return FileHalts(tmp_path / "planfill.db")

    @pytest.fixture
    def same(self, tmp_path: Path) -> HaltSwitch:
        return FileHalts(tmp_path / "planfill.db")

    def test_it_says_where_they_stand(self, switch: HaltSwitch, tmp_path: Path) -> None:
        assert str(tmp_path / "planfill.db") in switch.where

    def test_nothing_else_is_left_in_the_folder(self, switch: HaltSwitch, tmp_path: Path) -> None:
        switch.set(a_halt())
        assert [path.name for path in tmp_path.iterdir()] == ["planfill.db.halt"]
        switch.clear(None)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("content", [b"", b"stop!", b'{"by": "me"}', b"\xff"])
    def test_a_file_made_by_hand_halts_and_can_be_lifted(
        self, switch: HaltSwitch, tmp_path: Path, content: bytes
    ) -> None:
        (tmp_path / "planfill.db.halt").write_bytes(content)
        with pytest.raises(HaltUnavailable, match=r"nothing is sent until planfill unhalt$"):
            switch.read(ACCOUNT)
        switch.clear(None)
        assert switch.read(ACCOUNT) is None

    def test_what_cannot_be_read_written_or_removed_is_said(self, switch: HaltSwitch, tmp_path: Path) -> None:
        (tmp_path / "planfill.db.halt").mkdir()
        with pytest.raises(HaltUnavailable, match=r"planfill\.db\.halt cannot be read: Is a directory"):
            switch.read(None)
        with pytest.raises(HaltUnavailable, match="cannot be written: Is a directory"):
            switch.set(a_halt())
        with pytest.raises(HaltUnavailable, match="cannot be removed"):
            switch.clear(None)

    def test_without_its_folder_there_is_no_halt_and_none_can_be_set(self, tmp_path: Path) -> None:
        nowhere = FileHalts(tmp_path / "nowhere" / "planfill.db")
        assert nowhere.read(ACCOUNT) is None
        with pytest.raises(HaltUnavailable, match="cannot be written: No such file or directory"):
            nowhere.set(a_halt())
