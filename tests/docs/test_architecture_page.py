"""The diagram of the architecture names ports and folders that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DIAGRAM: Final = (ROOT / "docs" / "explanation" / "architecture.svg").read_text(encoding="utf-8")
SOURCE: Final = ROOT / "src" / "planfill"


def test_every_port_of_the_diagram_is_one() -> None:
    sources = "\n".join(
        path.read_text(encoding="utf-8") for path in (SOURCE / "application/ports").glob("*.py")
    )
    ports = set(re.findall(r"^class (\w+)\(Protocol\):", sources, re.MULTILINE))
    # Names of two words, or more, are types.
    named = set(re.findall(r">([A-Z][a-z]+(?:[A-Z][a-z]+)+|Broker|Ledger|Alerter)<", DIAGRAM))
    assert len(named) == 10
    assert named <= ports


def test_every_folder_and_module_of_the_diagram_exists() -> None:
    folders = re.findall(r">(\w+)/", DIAGRAM)
    assert {"domain", "application", "adapters", "bootstrap", "ports"} == set(folders)
    assert all((SOURCE / name).is_dir() or (SOURCE / "application" / name).is_dir() for name in folders)
    families = {"ledgers", "halts", "alerts", "logs", "traces"}
    assert all((SOURCE / "adapters" / family).is_dir() and family in DIAGRAM for family in families)
    assert (SOURCE / "application" / "facade.py").exists()
