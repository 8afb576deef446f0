"""The small markup in which the sample plant's sources are written.

A source is a head of `key: value` lines between two `---` lines, then blocks:

    # Heading            (one to three signs)
    paragraph text       (`**bold**`, `` `code` ``)
    - item / 1. item     (a list; continuation lines are indented)
    > WARNING: text      (a call-out; also NOTE, DANGER, CAUTION)
    Table: caption       (optional, before a table)
    {2,5,3}              (optional column weights, before a table)
    | a | b |            (a table; the second row is the rule)
    !flow A -> B -> C : caption
    !page                (page break)

Any block that does not parse is an error with its line number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

REQUIRED_HEAD = ("file", "number", "title", "revision", "date", "owner", "company", "classification", "language")
CALLOUTS = ("NOTE", "WARNING", "DANGER", "CAUTION", "HINWEIS", "WARNUNG", "GEFAHR", "POZNÁMKA", "VÝSTRAHA", "NEBEZPEČÍ")


class SourceError(Exception):
    """A source file that cannot be read, with file, line and reason."""


@dataclass
class Block:
    """One piece of a document: `kind` says which of the other fields are filled."""

    kind: str  # heading, paragraph, bullets, numbers, callout, table, flow, page
    text: str = ""
    level: int = 0
    items: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)


@dataclass
class Source:
    """A parsed source file."""

    path: Path
    head: dict[str, str]
    body: str
    blocks: list[Block]

    @property
    def file(self) -> str:
        """Name of the rendered file; its ending decides the format."""
        return self.head["file"]


def read_source(path: Path) -> Source:
    """Reads and parses one source file (UTF-8)."""
    text = path.read_text(encoding="utf-8")
    match = re.match(r"---\n(.*?)\n---\n(.*)\Z", text, re.S)
    if match is None:
        raise SourceError(f"{path.name}: no head between two '---' lines")
    head: dict[str, str] = {}
    for line in match.group(1).splitlines():
        key, colon, value = line.partition(":")
        if not colon:
            raise SourceError(f"{path.name}: head line without a colon: {line!r}")
        head[key.strip()] = value.strip()
    missing = [key for key in REQUIRED_HEAD if key not in head]
    if missing:
        raise SourceError(f"{path.name}: head lacks {', '.join(missing)}")
    body = match.group(2)
    first_line = match.group(1).count("\n") + 4
    blocks = [] if head["file"].endswith(".txt") else parse_blocks(body, path.name, first_line)
    return Source(path, head, body, blocks)


def parse_blocks(body: str, name: str, first_line: int) -> list[Block]:
    """Splits a body into blocks; `first_line` is the body's first line number in the file."""
    lines = body.splitlines()
    blocks: list[Block] = []
    caption, weights, at = "", [], 0
    while at < len(lines):
        line = lines[at]
        start = at
        if not line.strip():
            at += 1
        elif found := re.match(r"(#{1,3}) (.+)", line):
            blocks.append(Block("heading", found.group(2), level=len(found.group(1))))
            at += 1
        elif line.startswith("!page"):
            blocks.append(Block("page"))
            at += 1
        elif line.startswith("!flow "):
            steps, _, text = line[6:].rpartition(" : ")
            blocks.append(Block("flow", text, items=[step.strip() for step in steps.split("->")]))
            at += 1
        elif line.startswith("Table: "):
            caption = line[7:]
            at += 1
        elif re.fullmatch(r"\{[0-9., ]+\}", line):
            weights = [float(part) for part in line[1:-1].split(",")]
            at += 1
        elif line.startswith("|"):
            rows, at = take_table(lines, at, f"{name}:{first_line + at}")
            if weights and len(weights) != len(rows[0]):
                raise SourceError(f"{name}:{first_line + start}: {len(weights)} weights, {len(rows[0])} columns")
            blocks.append(Block("table", caption, rows=rows, weights=weights or [1.0] * len(rows[0])))
            caption, weights = "", []
        elif line.startswith("> "):
            text, at = take_while(lines, at, lambda text: text.startswith("> "), 2)
            if text.split(":")[0] not in CALLOUTS:
                raise SourceError(f"{name}:{first_line + start}: unknown call-out {text.split(':')[0]!r}")
            blocks.append(Block("callout", text))
        elif re.match(r"(- |\d+\. )", line):
            kind = "bullets" if line.startswith("- ") else "numbers"
            items, at = take_list(lines, at)
            blocks.append(Block(kind, items=items))
        else:
            text, at = take_while(lines, at, is_plain, 0)
            blocks.append(Block("paragraph", text))
    return blocks


def is_plain(line: str) -> bool:
    """Whether a line continues a paragraph."""
    return bool(line.strip()) and not re.match(r"(#{1,3} |\||> |- |\d+\. |!|Table: |\{\d)", line)


def take_while(lines: list[str], at: int, belongs, skip: int) -> tuple[str, int]:
    """Joins lines from `at` while they belong; the first always does."""
    taken = [lines[at][skip:]]
    at += 1
    while at < len(lines) and belongs(lines[at]):
        taken.append(lines[at][skip:])
        at += 1
    return " ".join(part.strip() for part in taken), at


def take_list(lines: list[str], at: int) -> tuple[list[str], int]:
    """Reads list items; indented lines continue the item before."""
    items: list[str] = []
    while at < len(lines):
        if found := re.match(r"(?:- |\d+\. )(.+)", lines[at]):
            items.append(found.group(1).strip())
        elif items and lines[at].startswith("  ") and lines[at].strip():
            items[-1] += " " + lines[at].strip()
        else:
            break
        at += 1
    return items, at


def take_table(lines: list[str], at: int, where: str) -> tuple[list[list[str]], int]:
    """Reads a table; every row must have as many cells as the head row."""
    rows: list[list[str]] = []
    while at < len(lines) and lines[at].startswith("|"):
        rows.append([cell.strip() for cell in lines[at].strip().strip("|").split("|")])
        at += 1
    if len(rows) < 3 or not all(re.fullmatch(r":?-+:?", cell) for cell in rows[1]):
        raise SourceError(f"{where}: a table needs a head row, a rule and a row")
    del rows[1]
    for row in rows:
        if len(row) != len(rows[0]):
            raise SourceError(f"{where}: row {row[0]!r} has {len(row)} cells, head has {len(rows[0])}")
    return rows, at


def spans(text: str) -> list[tuple[str, str]]:
    """Splits inline markup to (style, text) with style plain, bold or code."""
    parts: list[tuple[str, str]] = []
    for piece in re.split(r"(\*\*.+?\*\*|`.+?`)", text):
        if piece.startswith("**") and piece.endswith("**") and len(piece) > 4:
            parts.append(("bold", piece[2:-2]))
        elif piece.startswith("`") and piece.endswith("`") and len(piece) > 2:
            parts.append(("code", piece[1:-1]))
        elif piece:
            parts.append(("plain", piece))
    return parts


LABELS = {
    "en": {"number": "Document", "revision": "Revision", "date": "Effective from", "owner": "Owner",
           "classification": "Classification", "page": "Page {0} of {1}", "contents": "Contents"},
    "de": {"number": "Dokument", "revision": "Revision", "date": "Gültig ab", "owner": "Verantwortlich",
           "classification": "Einstufung", "page": "Seite {0} von {1}", "contents": "Inhalt"},
    "cs": {"number": "Dokument", "revision": "Revize", "date": "Platí od", "owner": "Odpovídá",
           "classification": "Klasifikace", "page": "Strana {0} z {1}", "contents": "Obsah"},
}


def info_rows(source: Source) -> list[tuple[str, str]]:
    """The rows of the box under a document's title."""
    labels = LABELS[source.head["language"]]
    keys = ("number", "revision", "date", "owner", "classification")
    rows = [(labels[key], source.head[key]) for key in keys]
    if "notice" in source.head:
        rows.append(("Export control", source.head["notice"]))
    return rows
