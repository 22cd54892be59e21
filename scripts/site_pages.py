"""
What the site shows beside ``docs/``, a hook of mkdocs: the README as its first page, the changelog, code.

On GitHub a page links to whatever is in the repository. In the site such a link leads to a page that is made
here: of a module of Planfill, its names with their docstrings and sources; of another file, its text; of a
folder, its modules with the first sentence of each. A link that leads nowhere is left as it is, and mkdocs,
which is strict, stops at it. So does whatever a page would load from elsewhere: the site is read offline.
"""

from __future__ import annotations

import ast
import posixpath
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = ROOT / "src" / "planfill"
FACADE: Final = "src/planfill/bootstrap/manager.py"
PAGES: Final = {"README.md": "index.md", "CHANGELOG.md": "changelog.md"}
_PUBLIC: Final = ("domain/", "application/ports/", "testing/")
_LINK: Final = re.compile(r"(?<=\]\()(?P<path>[^)\s#:]+)(?P<anchor>#[^)\s]*)?(?=\))")
_FENCED: Final = re.compile(r"(^ *```.*?^ *```$)", re.DOTALL | re.MULTILINE)
# GitHub goes on with an item of a list where its text begins; Markdown in Python, after four spaces.
_OF_AN_ITEM: Final = re.compile(r"^   (?=\S)", re.MULTILINE)
_FROM_ELSEWHERE: Final = re.compile(r"<(?:script|img|link|iframe)\b[^>]*(?:src|href)=.?(?:https?:)?//[^>]*>")
_AS_IT_IS: Final = (".md", ".json", ".svg", ".png", ".csv")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that are not in ``docs/``."""
    for source, uri in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, uri, content=text))
    linked = {path for file in list(files.documentation_pages()) for path in _linked(file)}
    linked |= {module.relative_to(ROOT).as_posix() for module in PACKAGE.rglob("*.py") if _is_public(module)}
    for path in sorted(linked):
        where = _uri(path)
        if where is not None and where.startswith("source/"):
            files.append(File.generated(config, where, content=_shown(ROOT / path, path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Let the links lead to where the site has what they lead to."""
    home = page.file.src_uri
    turned = partial(_turned, home=home)
    shown = []
    for number, part in enumerate(_FENCED.split(markdown)):
        fenced = number % 2 == 1
        moved = part if fenced and part.startswith("```") else _OF_AN_ITEM.sub("    ", part)
        shown.append(moved if fenced else _LINK.sub(turned, moved))
    return "".join(shown)


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001
    """Refuse what a browser would have to load from a network."""
    if found := _FROM_ELSEWHERE.search(output):
        message = f"{page.file.src_uri} loads {found[0]} from elsewhere"
        raise PluginError(message)
    return output


def _linked(file: File) -> Iterator[str]:
    """List what a page links to, as paths in the repository."""
    for number, part in enumerate(_FENCED.split(file.content_string)):
        for link in _LINK.finditer(part) if number % 2 == 0 else ():
            yield _in_repository(file.src_uri, link["path"])


def _turned(link: re.Match[str], home: str) -> str:
    uri = _uri(_in_repository(home, link["path"]))
    if uri is None:
        return link[0]
    return posixpath.relpath(uri, posixpath.dirname(home)) + (link["anchor"] or "")


def _in_repository(home: str, path: str) -> str:
    """Say which file of the repository a link on a page of the site means."""
    origins = {uri: source for source, uri in PAGES.items()}
    origin = origins.get(home, f"docs/{home}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), path))


def _uri(path: str) -> str | None:
    """Say where the site has a file of the repository; None is nowhere."""
    if path in PAGES:
        return PAGES[path]
    if not (ROOT / path).exists() or path.startswith(".."):
        return None
    if path.startswith("docs/") and path.endswith(_AS_IT_IS):
        return path.removeprefix("docs/")
    return f"source/{path}/README.md" if (ROOT / path).is_dir() else f"source/{path}.md"


def _shown(file: Path, path: str) -> str:
    if file.is_dir():
        modules = [module for module in sorted(file.resolve().rglob("*.py")) if _sentence(module)]
        names = [module.relative_to(file.resolve()).as_posix() for module in modules]
        # A folder may be a link into the package; its modules have their pages there.
        there = posixpath.relpath(file.resolve().relative_to(ROOT).as_posix(), path)
        rows = [
            f"| [`{name}`]({there}/{name}.md) | {_sentence(module)} |"
            if _is_public(module)
            else f"| `{name}` | {_sentence(module)} |"
            for name, module in zip(names, modules, strict=True)
        ]
        return "\n".join([f"# {path}/", "", "| | |", "|---|---|", *rows, ""])
    if file.is_relative_to(PACKAGE) and file.suffix == ".py":
        name = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        inherited = "    options: { inherited_members: true }\n" if path == FACADE else ""
        return f"# {name}\n\n::: {name}\n{inherited}"
    language = {".py": "python", ".toml": "toml"}.get(file.suffix, "text")
    return f"# {file.name}\n\n`{path}`\n\n````{language}\n{file.read_text(encoding='utf-8')}````\n"


def _is_public(module: Path) -> bool:
    """Tell whether it is for others: for trading engines, and for whoever adds a broker."""
    path = module.relative_to(PACKAGE).as_posix()
    return path.startswith(_PUBLIC) and bool(_sentence(module))


def _sentence(module: Path) -> str:
    said = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return said.partition("\n\n")[0].replace("\n", " ").replace("``", "`").replace("|", r"\|")
