"""The page on the command line is what the program says of itself."""

from __future__ import annotations

import cli_page


def test_the_page_lists_every_command_as_the_program_has_it() -> None:
    assert cli_page.PAGE.read_text(encoding="utf-8") == cli_page.page(), "make format refreshes the page"


def test_commands_arguments_and_options_are_there() -> None:
    page = cli_page.page()
    assert "## planfill execute\n" in page
    assert "planfill execute PLAN [OPTIONS] [--config FILE] [--json]\n" in page
    assert "planfill resolve ORDER --reason TEXT [OPTIONS] [--config FILE] [--json]\n" in page
    assert "| `--every SECONDS` | How often to look. By default `60`. |\n" in page
    assert r"| `PLAN\|report` |" in page
    assert "## planfill audit verify\n" in page
