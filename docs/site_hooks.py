"""What mkdocs cannot do by itself: pages of notebooks, and links to files of the project outside of docs/ (`make docs`)."""

import json
import re
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

OUTSIDE = re.compile(r"\]\(((?:\.\./)+[\w./-]+)\)")
ASKING = re.compile(
    r'<(?:script|img|iframe|source)[^>]+src="(?:https?:)?//[^"]+|<link[^>]+href="(?:https?:)?//[^"]+|class="mermaid"'
)
ROW, CODE = (
    re.compile(r"(?m)^\|.*\|$"),
    re.compile(r"`[^`]*`"),
)  # GitHub wants a bar in code of a table escaped, mkdocs does not
NAMED = re.compile(r"\[([\w-]+\.(?:md|ipynb))\]\(([\w./-]+\.md)")  # links whose text is the name of a file
RARELY_MEANT = {"decisions.md"}  # it has a sentence on nearly every term, and would lead every search
TEXT = {".md", ".smk", ".modulefile"}  # browsers would save these, and mkdocs would make pages of the first


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page per notebook, and a copy of each file outside of docs/ that a page links to."""
    root = Path(config.config_file_path).parent
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        files.append(
            File.generated(config, file.src_uri.replace(".ipynb", ".md"), content=page_of(file.content_string))
        )
    for file in files.documentation_pages():
        for link in OUTSIDE.findall(file.content_string):
            path = outside(file.src_uri, link)
            if path and (root / path).is_file() and copied(path) not in files.src_uris:
                files.append(File.generated(config, copied(path), content=(root / path).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to notebooks and to files outside of docs/ lead to what on_files has added, and name pages by their titles."""
    home = page.file.src_uri
    if home in RARELY_MEANT:
        page.meta["search"] = {"boost": 0.3}

    def titled(match: re.Match[str]) -> str:
        found = files.get_file_from_path(normpath(join(dirname(home), match[2])))
        heading = re.match("# (.*)", found.content_string) if found else None
        return f"[{heading[1]}]({match[2]}" if heading else match[0]

    def here(match: re.Match[str]) -> str:
        path = outside(home, match[1])
        return f"]({relpath(copied(path), dirname(home))})" if path else match[0]

    markdown = ROW.sub(lambda row: CODE.sub(lambda code: code[0].replace("\\|", "|"), row[0]), markdown)
    return NAMED.sub(titled, OUTSIDE.sub(here, markdown).replace(".ipynb)", ".md)"))


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site whose pages would ask a server for anything."""
    for page in Path(config.site_dir).rglob("*.html"):
        if found := ASKING.search(page.read_text()):
            raise PluginError(f"{page}: `{found[0]}` asks a server; ship the file in docs/assets instead")


def outside(page: str, link: str) -> str:
    """Return the path in the project of a link out of docs/, or an empty text."""
    path = normpath(join("docs", dirname(page), link))
    return "" if path.startswith("docs/") else path


def copied(path: str) -> str:
    """Return the place in the site of a file of the project."""
    return f"files/{path}" + (".txt" if Path(path).suffix in TEXT else "")


def page_of(notebook: str) -> str:
    """Return a notebook as Markdown, with its outputs as they are kept."""
    parts = []
    for cell in json.loads(notebook)["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        parts += [shown(output["data"]) for output in cell.get("outputs", [])]
    return "\n\n".join(parts) + "\n"


def shown(data: dict[str, Any]) -> str:
    """Return the richest form of an output: picture, table or text."""
    if "image/png" in data:
        return f'<img alt="output of the cell above" src="data:image/png;base64,{"".join(data["image/png"]).strip()}">'
    if "text/html" in data:
        table = re.sub(r"<style.*?</style>", "", "".join(data["text/html"]), flags=re.DOTALL)
        return re.sub(r"\n\s*", "", re.sub(r"<table[^>]*>", "<table>", table))
    return "```text\n" + "".join(data["text/plain"]) + "\n```"
