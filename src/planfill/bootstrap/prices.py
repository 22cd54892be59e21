"""Where prices come from: ``[prices]``, and the sources that it names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from planfill.adapters.prices.chain import PriceChain
from planfill.adapters.prices.file import FilePrices

if TYPE_CHECKING:
    from planfill.application.ports.brokerage import Brokerage
    from planfill.application.ports.clock import Clock
    from planfill.application.ports.market import MarketData

Source = Literal["broker", "file"]


class PricesSettings(BaseModel, frozen=True, extra="forbid"):
    """``[prices]``."""

    sources: Annotated[tuple[Source, ...], Field(min_length=1)] = ("broker",)
    """Who is asked for quotes, each only for symbols of which those before have no usable one."""
    file: Path | None = None
    """The file of last prices that ``file`` names, in the formats of ``mock.prices``."""
    second: Source | None = None
    """With whose prices the quotes are compared; ``execution.max_source_deviation_bps`` says how."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.file is None and "file" in {*self.sources, self.second}:
            msg = "the source 'file' needs prices.file"
            raise ValueError(msg)
        if self.sources == (self.second,):
            msg = f"there is nothing to compare: {self.second!r} is the only source, and the second"
            raise ValueError(msg)
        return self


def priced(brokerage: Brokerage, settings: PricesSettings, clock: Clock, max_age_s: float) -> Brokerage:
    """Give the family with the sources of prices that the settings name."""
    named: dict[str, MarketData] = {"broker": brokerage.market_data}
    if settings.file is not None:
        named["file"] = FilePrices(settings.file)
    first = named[settings.sources[0]]
    chain = PriceChain([named[source] for source in settings.sources], clock, max_age_s)
    return replace(
        brokerage,
        market_data=chain if len(settings.sources) > 1 else first,
        second_prices=named[settings.second] if settings.second else None,
    )
