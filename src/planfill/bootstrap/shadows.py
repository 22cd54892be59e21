"""What plans are compared with: the tables ``[shadow.NAME]``."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, Field, model_validator

from planfill.domain.shadow import Tolerances

if TYPE_CHECKING:
    from planfill.application.ports.shadow import Shadow
    from planfill.bootstrap.settings import Configuration

_Tolerance = Annotated[Decimal, Field(ge=0, le=10_000)]
_DEFAULT = Tolerances()


class ShadowSettings(BaseModel, frozen=True, extra="forbid"):
    """``[shadow.NAME]``; one of ``settings``, ``orders`` and ``callable`` says who the shadow is."""

    settings: Path | None = None
    """A settings file of another Planfill, with a ledger and an account of its own."""
    orders: Path | None = None
    """The recorded orders of another implementation, CSV or JSON."""
    callable: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] | None = None
    """A function, as ``package.module:function``, that gives such orders for a plan."""
    timeout_s: Annotated[float, Field(gt=0)] = 300
    """How long the shadow may take."""
    quantity_pct: _Tolerance = _DEFAULT.quantity_pct
    """How far the shares of a line may differ."""
    dollars_pct: _Tolerance = _DEFAULT.dollars_pct
    """How far the dollars of a line may differ."""
    price_bps: _Tolerance = _DEFAULT.price_bps
    """How far the average prices of a line may differ."""
    time_s: Annotated[float, Field(ge=0)] = _DEFAULT.time_s
    """How far the times of a line may differ."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.settings, self.orders, self.callable)) != 1:
            msg = "say who the shadow is by one of settings, orders and callable"
            raise ValueError(msg)
        return self

    @property
    def tolerances(self) -> Tolerances:
        """Give the figures that decide what is a difference."""
        return Tolerances.model_validate({name: getattr(self, name) for name in Tolerances.model_fields})


def made(configuration: Configuration) -> dict[str, Shadow]:
    """Make the shadows of the settings, by name."""
    ledger = configuration.settings.ledger.url
    return {name: _shadow(one, ledger) for name, one in configuration.settings.shadow.items()}


def _shadow(settings: ShadowSettings, ledger: str) -> Shadow:
    from planfill.adapters.logs.redaction import redactor
    from planfill.adapters.shadows.process import ShadowProcess
    from planfill.adapters.shadows.recorded import RecordedOrders

    if settings.orders is not None:
        return RecordedOrders(settings.orders, settings.tolerances)
    if settings.settings is not None:
        module = "planfill.bootstrap.shadow_side"
        request = {"settings": str(settings.settings), "ledger": ledger}
    else:
        module, request = "planfill.adapters.shadows.calling", {"callable": str(settings.callable)}
    return ShadowProcess(module, request, settings.timeout_s, settings.tolerances, redactor(os.environ))
