"""
Count the lines of code of the core, and refresh the counts that the README prints.

The core is sizing, the loop, and every module of ``application/`` that uses a broker's methods, but for the
trial order of ``planfill doctor``, which no plan ever passes; a test sees to that.
A line of code is one that is not blank, not a comment and not part of a docstring.
"""

import argparse
import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = ROOT / "src" / "planfill"
MARKED: Final = re.compile(r"(<!-- core-size -->)(.*?)(<!-- /core-size -->)", re.DOTALL)

_BROKER_METHODS: Final = frozenset({"place_order", "get_order_status", "cancel_order"})
ASIDE: Final = "trying.py"
_NOT_CODE: Final = frozenset(
    {
        tokenize.COMMENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
        tokenize.INDENT,
        tokenize.NEWLINE,
        tokenize.NL,
    }
)


def lines_of_code(source: str) -> int:
    """Count the lines of ``source`` that are code."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    code = {
        line
        for token in tokens
        if token.type not in _NOT_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(code - set(_docstring_lines(ast.parse(source))))


def uses_a_broker(source: str) -> bool:
    """Whether ``source`` takes a broker's method from an object."""
    return any(
        isinstance(node, ast.Attribute) and node.attr in _BROKER_METHODS
        for node in ast.walk(ast.parse(source))
    )


def core_modules(package: Path = PACKAGE) -> list[Path]:
    """Return the modules that make up the core."""
    application = sorted((package / "application").rglob("*.py"))
    users = [path for path in application if path.name != ASIDE and uses_a_broker(_read(path))]
    return [package / "domain" / "sizing.py", package / "application" / "loop.py", *users]


def core_size(package: Path = PACKAGE) -> int:
    """Count the core."""
    return sum(lines_of_code(_read(path)) for path in core_modules(package))


def beside_size(package: Path = PACKAGE) -> int:
    """Count what lies beside the core: the rest of ``domain/`` and ``application/``."""
    paths = [path for layer in ("domain", "application") for path in (package / layer).rglob("*.py")]
    return sum(lines_of_code(_read(path)) for path in paths) - core_size(package)


def statement() -> str:
    """Say both counts, as the README prints them."""
    return f"core: {core_size()} lines; beside it, in domain and application: {beside_size()} lines"


def refreshed(readme: str) -> str:
    """Return ``readme`` with the counts between its marks made true."""
    return MARKED.sub(lambda marked: f"{marked[1]}{statement()}{marked[3]}", readme)


def _docstring_lines(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def main() -> int:
    """Print the counts, or write them."""
    parser = argparse.ArgumentParser(description="Count the lines of code of the core.")
    parser.add_argument("--write", type=Path, metavar="README", help="refresh the counts in a file")
    readme: Path | None = parser.parse_args().write
    for path in core_modules():
        print(f"{lines_of_code(_read(path)):5}  {path.relative_to(PACKAGE)}")
    print(statement())
    if readme is not None:
        readme.write_text(refreshed(_read(readme)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
