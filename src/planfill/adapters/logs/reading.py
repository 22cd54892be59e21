"""Reading the log file and the older ones beside it."""

from __future__ import annotations

import glob
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def logged(file: Path, plan_id: str) -> Iterator[Mapping[str, Any]]:
    """
    Give what the log says of a plan, oldest first, each event once; a line that was cut off is passed over.

    Raises:
        OSError: A file cannot be read.

    """
    told = set[tuple[object, object]]()
    for path in (*_older(file), file):
        if not path.exists():
            continue
        with path.open(encoding="utf-8", errors="backslashreplace") as lines:
            for line in lines:
                # Most lines of a long log are about other plans: this is quicker than to read each as JSON.
                if json.dumps(plan_id, ensure_ascii=False) not in line:
                    continue
                found = _read(line)
                event = found.get("stream"), found.get("number")
                if found.get("plan_id") == plan_id and event not in told:
                    told.add(event)
                    yield found


def _older(file: Path) -> list[Path]:
    """Find the files that loguru put aside, oldest first: it puts the time before the ending."""
    return sorted(file.parent.glob(f"{glob.escape(file.stem)}.????-??-??_*{glob.escape(file.suffix)}"))


def _read(line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
