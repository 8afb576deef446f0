"""DOCX output with python-docx, packed again so that the bytes do not depend on the clock."""

from __future__ import annotations

import datetime
import io
import re
import zipfile

import docx
from docx.document import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from docx.text.paragraph import Paragraph

from .markup import LABELS, Block, Source, info_rows, spans

ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def add_spans(paragraph: Paragraph, text: str) -> None:
    """Adds inline markup to a paragraph as runs."""
    for kind, part in spans(text):
        run = paragraph.add_run(part)
        run.bold = True if kind == "bold" else None
        if kind == "code":
            run.font.name = "DejaVu Sans Mono"


def add_table(document: Document, rows: list[list[str]], head: bool) -> None:
    """Adds a grid table; a head row is bold and repeats on every page."""
    table = document.add_table(rows=len(rows), cols=len(rows[0]))
    table.style = "Table Grid"
    for at, row in enumerate(rows):
        for cell, text in zip(table.rows[at].cells, row, strict=True):
            add_spans(cell.paragraphs[0], f"**{text}**" if head and at == 0 else text)
    if head:
        properties = table.rows[0]._tr.get_or_add_trPr()
        mark = OxmlElement("w:tblHeader")
        mark.set(qn("w:val"), "true")
        properties.append(mark)
    document.add_paragraph()


def add_block(document: Document, block: Block) -> None:
    """Adds one block."""
    if block.kind == "heading":
        document.add_heading(block.text, block.level)
    elif block.kind in ("paragraph", "callout"):
        add_spans(document.add_paragraph(style="Intense Quote" if block.kind == "callout" else None), block.text)
    elif block.kind in ("bullets", "numbers"):
        for item in block.items:
            add_spans(document.add_paragraph(style="List Bullet" if block.kind == "bullets" else "List Number"), item)
    elif block.kind == "table":
        if block.text:
            add_spans(document.add_paragraph(style="Caption"), block.text)
        add_table(document, block.rows, head=True)
    elif block.kind == "flow":
        document.add_paragraph(" → ".join(block.items))
    else:
        document.add_page_break()


def render_docx(source: Source) -> bytes:
    """Renders a source."""
    document, head = docx.Document(), source.head
    stamp = datetime.datetime.fromisoformat(head["date"])
    core = document.core_properties
    core.title, core.author, core.subject, core.language = head["title"], head["company"], head["number"], head["language"]
    core.created = core.modified = stamp
    core.last_modified_by, core.revision, core.comments = head["company"], 1, ""
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    document.styles["Normal"].font.size = Pt(10.5)
    section.header.paragraphs[0].text = f"{head['company']}\t\t{head['number']} · {LABELS[head['language']]['revision']} {head['revision']}"
    section.footer.paragraphs[0].text = head["classification"]
    document.add_heading(head["title"], 0)
    add_table(document, [list(row) for row in info_rows(source)], head=False)
    for block in source.blocks:
        add_block(document, block)
    raw, packed = io.BytesIO(), io.BytesIO()
    document.save(raw)
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            if name == "docProps/thumbnail.jpeg":  # the template's picture; nothing may point at it
                continue
            data = old.read(name)
            if name in ("_rels/.rels", "[Content_Types].xml"):
                data = without_thumbnail(data)
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            new.writestr(entry, data)
    return packed.getvalue()


def without_thumbnail(data: bytes) -> bytes:
    """Removes the template's thumbnail from a package part list."""
    return re.sub(rb'<(Relationship|Override) [^>]*thumbnail[^>]*/>', b"", data)
