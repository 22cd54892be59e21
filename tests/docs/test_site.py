"""The site: what its hook lets a link lead to, and what it refuses; ``make site`` builds the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
import site_pages
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def config() -> MkDocsConfig:
    config = load_config(str(ROOT / "mkdocs.yml"))
    config.plugins.on_startup(command="build", dirty=False)
    return config


def page(text: str, uri: str, config: MkDocsConfig) -> Page:
    return Page(None, File.generated(config, uri, content=text), config)


@pytest.mark.parametrize(
    ("home", "link", "turned"),
    [
        ("index.md", "docs/plan-format.md#a-line", "plan-format.md#a-line"),
        ("index.md", "CHANGELOG.md", "changelog.md"),
        ("index.md", "domain", "source/domain/README.md"),
        ("how-to/go-live.md", "../../README.md#by-hand", "../index.md#by-hand"),
        ("how-to/go-live.md", "../reference/events.md", "../reference/events.md"),
        ("how-to/go-live.md", "../../scripts/smoke", "../source/scripts/smoke.md"),
        ("how-to/go-live.md", "../reference/result.schema.json", "../reference/result.schema.json"),
        ("how-to/go-live.md", "https://example.com/page", "https://example.com/page"),
        ("how-to/go-live.md", "nowhere.md", "nowhere.md"),
        ("how-to/go-live.md", "../../../outside", "../../../outside"),
    ],
)
def test_a_link_leads_to_where_the_site_has_it(
    home: str, link: str, turned: str, config: MkDocsConfig
) -> None:
    text = f"See [it]({link}).\n\n```text\n[it]({link})\n```\n"
    shown = site_pages.on_page_markdown(text, page=page(text, home, config), config=config, files=Files([]))
    assert shown == f"See [it]({turned}).\n\n```text\n[it]({link})\n```\n"


def test_what_belongs_to_an_item_of_a_list_stays_in_it(config: MkDocsConfig) -> None:
    text = "1. Do\n\n   ```sh\n   this\n   ```\n\n2. Then\n\n```text\n   |\n```\n"
    shown = site_pages.on_page_markdown(text, page=page(text, "a.md", config), config=config, files=Files([]))
    assert shown == "1. Do\n\n    ```sh\n    this\n    ```\n\n2. Then\n\n```text\n   |\n```\n"


def test_what_is_linked_is_shown(config: MkDocsConfig) -> None:
    text = "[a folder](../../domain), [a file](../../src/planfill/domain/errors.py), [nothing](nothing.py)"
    files = site_pages.on_files(Files([page(text, "how-to/one.md", config).file]), config=config)
    shown = {file.src_uri: file.content_string for file in files}
    listed = "| [`errors.py`](../src/planfill/domain/errors.py.md) | The errors, and what a caller may do"
    assert listed in shown["source/domain/README.md"]
    assert shown["source/src/planfill/domain/errors.py.md"].endswith("\n::: planfill.domain.errors\n")
    # Of the public modules each has a page, linked or not; of the others one that is linked.
    assert "source/src/planfill/testing/broker.py.md" in shown
    assert "source/src/planfill/application/loop.py.md" not in shown
    assert shown["index.md"].startswith("# Planfill\n")
    assert not any("nothing" in uri for uri in shown)


@pytest.mark.parametrize(
    "loads",
    [
        '<script src="https://unpkg.com/x"></script>',
        '<link rel="stylesheet" href="//fonts.example/x.css">',
        "<img alt=x src=http://example.com/x.png>",
    ],
)
def test_what_would_come_from_a_network_is_refused(loads: str, config: MkDocsConfig) -> None:
    with pytest.raises(PluginError, match=r"one\.md loads <.+> from elsewhere"):
        site_pages.on_post_page(f"<p>{loads}", page=page("", "one.md", config), config=config)


def test_what_leads_elsewhere_only_when_clicked_is_not(config: MkDocsConfig) -> None:
    html = '<a href="https://example.com">there</a><script src="assets/x.js"></script>'
    assert site_pages.on_post_page(html, page=page("", "one.md", config), config=config) == html
