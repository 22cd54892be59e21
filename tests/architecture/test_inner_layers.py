"""
What the two inner layers may import and do.

import-linter checks the direction of imports; it has no allow-list, hence these.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "src" / "planfill"

ALLOWED: Final = {
    "domain": sys.stdlib_module_names | {"pydantic", "planfill"},
    "application": sys.stdlib_module_names | {"pydantic", "anyio", "planfill"},
}
# What we ship for tests must run wherever Planfill and pytest are installed.
ALLOWED_IN_TESTING: Final = ALLOWED["application"] | {"pytest"}
# The domain is pure: no I/O, no clock, no chance, no log.
IMPURE_MODULES: Final = frozenset(
    {
        "asyncio",
        "concurrent",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "secrets",
        "socket",
        "sqlite3",
        "subprocess",
        "sys",
        "threading",
        "time",
        "urllib",
    }
)
IMPURE_CALLS: Final = frozenset({"now", "utcnow", "today", "uuid1", "uuid4"})
IMPURE_BUILTINS: Final = frozenset({"open", "print", "input"})
SKIPS_VALIDATION: Final = frozenset({"model_construct"})


@dataclass(frozen=True)
class Source:
    path: Path
    text: str

    def nodes(self) -> Iterator[ast.AST]:
        return ast.walk(ast.parse(self.text))

    def at(self, node: ast.AST) -> str:
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"

    def imports(self) -> Iterator[tuple[str, str]]:
        """Yield each top-level package that is imported, and where."""
        for node in self.nodes():
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name.partition(".")[0], self.at(node)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0], self.at(node)

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Yield each call with the last part of the name that is called."""
        for node in self.nodes():
            match node:
                case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
                    yield node, name


def sources(*layers: str) -> list[Source]:
    paths = [path for layer in layers for path in sorted((PACKAGE / layer).rglob("*.py"))]
    assert paths, "no sources found: has the layout changed?"
    return [Source(path, path.read_text(encoding="utf-8")) for path in paths]


@pytest.mark.parametrize("layer", ALLOWED)
def test_an_inner_layer_imports_only_what_its_list_allows(layer: str) -> None:
    found = [
        f"{where} imports {name}"
        for source in sources(layer)
        for name, where in source.imports()
        if name not in ALLOWED[layer]
    ]
    assert found == []


def test_what_we_ship_for_tests_needs_pytest_and_no_more() -> None:
    found = [
        f"{where} imports {name}"
        for source in sources("testing")
        for name, where in source.imports()
        if name not in ALLOWED_IN_TESTING
    ]
    assert found == []


def test_the_domain_imports_nothing_that_acts_on_the_world() -> None:
    found = [
        f"{where} imports {name}"
        for source in sources("domain")
        for name, where in source.imports()
        if name in IMPURE_MODULES
    ]
    assert found == []


def test_the_domain_never_asks_for_the_time_or_for_chance() -> None:
    found = [
        f"{source.at(node)} uses {node.attr}"
        for source in sources("domain")
        for node in source.nodes()
        if isinstance(node, ast.Attribute) and node.attr in IMPURE_CALLS
    ]
    assert found == []


def test_the_domain_reads_and_writes_nothing() -> None:
    found = [
        f"{source.at(node)} calls {node.id}"
        for source in sources("domain")
        for node in source.nodes()
        if isinstance(node, ast.Name) and node.id in IMPURE_BUILTINS
    ]
    assert found == []


def test_no_branch_of_the_inner_layers_is_excused_from_coverage() -> None:
    found = [
        f"{source.path.relative_to(ROOT)}:{number}"
        for source in sources("domain", "application")
        for number, line in enumerate(source.text.splitlines(), start=1)
        if "pragma: no" in line
    ]
    assert found == []


def test_money_is_never_a_float() -> None:
    found = [
        source.at(node)
        for source in sources("domain", "application")
        for node, name in source.calls()
        if isinstance(node.func, ast.Name) and name == "float"
    ]
    assert found == []


def test_no_value_is_made_past_its_validation() -> None:
    found = [
        f"{source.at(node)} calls {name}"
        for source in sources("domain", "application")
        for node, name in source.calls()
        if name in SKIPS_VALIDATION or (name == "model_copy" and _updates(node))
    ]
    assert found == []


def test_no_broad_except_swallows_what_it_caught() -> None:
    found = [
        source.at(node)
        for source in sources("domain", "application")
        for node in source.nodes()
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and _swallows(node)
    ]
    assert found == []


def _updates(call: ast.Call) -> bool:
    return bool(call.args) or any(keyword.arg in {"update", None} for keyword in call.keywords)


def _is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return not caught.isdisjoint({"Exception", "BaseException"})


def _swallows(handler: ast.ExceptHandler) -> bool:
    """Whether ``handler`` neither raises nor does anything with the exception."""
    inside = [node for statement in handler.body for node in ast.walk(statement)]
    raises = any(isinstance(node, ast.Raise) for node in inside)
    uses = any(isinstance(node, ast.Name) and node.id == handler.name for node in inside)
    return not raises and not uses


@pytest.mark.parametrize(
    ("code", "swallowed"),
    [
        ("try: f()\nexcept Exception: pass", True),
        ("try: f()\nexcept: pass", True),
        ("try: f()\nexcept (ValueError, Exception): g()", True),
        ("try: f()\nexcept Exception: raise", False),
        ("try: f()\nexcept Exception as e: record(e)", False),
        ("try: f()\nexcept ValueError: pass", False),
    ],
)
def test_the_check_knows_a_swallowed_exception(code: str, *, swallowed: bool) -> None:
    handlers = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ExceptHandler)]
    assert [_is_broad(node) and _swallows(node) for node in handlers] == [swallowed]
