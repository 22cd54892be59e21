"""The JSON Schema of the result document, generated from the values themselves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import GenerateJsonSchema

from planfill.adapters.cli.document import Failed
from planfill.domain.result import ExecutionResult

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

_DECIMAL: Final = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}
_TIME: Final = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"}
_TIMES: Final = frozenset({"started_at", "finished_at"})


def result_schema() -> str:
    """Generate the schema of what ``execute``, ``resume`` and ``show`` print with ``--json``."""
    definitions: dict[str, Any] = {}
    for model in (ExecutionResult, Failed):
        schema = _schema_of(model)
        definitions |= schema.pop("$defs")
        definitions[model.__name__] = schema
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What planfill execute, resume and show print with --json",
        "description": (
            "A result, or where there is none (exit 2 and 70) an error. Money in dollars, prices in "
            "dollars a share and quantities in shares are strings; times are in UTC. Later versions "
            "may add fields."
        ),
        "oneOf": [{"$ref": f"#/$defs/{model.__name__}"} for model in (ExecutionResult, Failed)],
        "$defs": {name: _open(definitions[name]) for name in sorted(definitions)},
    }
    return json.dumps(whole, indent=2) + "\n"


class _Generate(GenerateJsonSchema):
    """Decimals as our documents write them; no titles, which would only repeat the names."""

    def decimal_schema(self, _schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """Give the schema of every amount."""
        return dict(_DECIMAL)

    def field_title_should_be_set(self, _schema: object) -> bool:
        """Leave the titles out."""
        return False


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(mode="serialization", schema_generator=_Generate)


def _open(schema: dict[str, Any]) -> dict[str, Any]:
    """Expect all of today's fields, and let pass those that a later version adds."""
    rest = {k: v for k, v in schema.items() if k not in {"additionalProperties", "title", "required"}}
    rest["description"] = rest.get("description", "").replace("``", "`")
    if "properties" not in rest:
        return rest
    fields = {
        name: dict(_TIME) if name in _TIMES else {k: v for k, v in field.items() if k != "default"}
        for name, field in rest["properties"].items()
    }
    return {**rest, "properties": fields, "required": list(fields)}
