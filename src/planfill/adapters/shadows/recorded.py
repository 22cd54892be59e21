"""A shadow that has run already: the orders it wrote down."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from planfill.application.ports.shadow import Shadow, Shadowed
from planfill.domain.errors import ShadowFailed
from planfill.domain.shadow import ShadowOrder, Tolerances
from planfill.domain.shadow_orders import read_orders


@dataclass(frozen=True)
class RecordedOrders(Shadow):
    """
    A file of orders, read anew each time: CSV with a header, or JSON: a list, or ``{"orders": [...]}``.

    ``{plan_id}`` in its name stands for that of the plan.
    """

    file: Path
    tolerances: Tolerances

    async def orders(self, execution: Shadowed) -> tuple[ShadowOrder, ...]:
        """Read the orders in the file."""
        path = Path(str(self.file).replace("{plan_id}", str(execution.plan["plan_id"])))
        try:
            return read_orders(_rows(path))
        except OSError as e:
            msg = f"{path} cannot be read: {e.strerror or e}"
            raise ShadowFailed(msg) from e
        except (ValueError, RecursionError, csv.Error) as e:
            msg = f"{path} is neither CSV with a header nor JSON: {e}"
            raise ShadowFailed(msg) from e
        except ShadowFailed as e:
            msg = f"{path}: {e}"
            raise ShadowFailed(msg) from e


def _rows(path: Path) -> object:
    if path.exists() and not path.is_file():
        msg = "it is no regular file"
        raise ValueError(msg)
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix.lower() == ".json":
        document = json.loads(text)
        return document.get("orders") if isinstance(document, dict) else document
    rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
    return [{(name or "").strip().lower(): value for name, value in row.items()} for row in rows]
