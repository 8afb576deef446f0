"""PDF output with reportlab: A4, embedded DejaVu subsets, the same bytes on every run."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab import rl_config
from reportlab.lib import colors
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (BaseDocTemplate, CondPageBreak, Frame, KeepTogether, ListFlowable, ListItem, PageBreak,
                                PageTemplate, Paragraph, Spacer, Table, TableStyle)
from reportlab.platypus.flowables import Flowable
from reportlab.platypus.tableofcontents import TableOfContents

from .markup import LABELS, Block, Source, SourceError, info_rows, spans

# DejaVu 2.37, the last release; other builds would change the bytes of every document.
FONTS = {
    "Body": ("DejaVuSansCondensed.ttf", "2d8aa290adcf1ebcbb35f63e57cf3294"),
    "Body-Bold": ("DejaVuSansCondensed-Bold.ttf", "6d2f2481e2aae944e8411cc5be515c69"),
    "Mono": ("DejaVuSansMono.ttf", "0f5db4f1749979d961019838b160bec7"),
}
FONT_FOLDERS = ("/usr/share/fonts/truetype/dejavu", "/usr/share/fonts/dejavu", "/usr/share/fonts/TTF",
                "/usr/share/fonts/dejavu-sans-fonts")

INK = colors.HexColor("#1d2733")
BLUE = colors.HexColor("#1f4e79")
RULE = colors.HexColor("#9aa7b4")
SHADE = colors.HexColor("#e8eef4")
CALLOUT_INK = {"NOTE": "#1f4e79", "HINWEIS": "#1f4e79", "POZNÁMKA": "#1f4e79",
               "CAUTION": "#b26a00", "WARNING": "#b26a00", "WARNUNG": "#b26a00", "VÝSTRAHA": "#b26a00",
               "DANGER": "#a61b1b", "GEFAHR": "#a61b1b", "NEBEZPEČÍ": "#a61b1b"}
MARGIN = 23 * mm
WIDTH = A4[0] - 2 * MARGIN
# Left and right of a cell's text, and a little more: widths are rounded.
CELL_PADDING = 8.5
# A table of at most so many rows, head included, is not split over pages.
SHORT_TABLE_ROWS = 9


def style(name: str, size: float, **more) -> ParagraphStyle:
    """A paragraph style in the plant's house look."""
    more.setdefault("leading", size * 1.38)
    more.setdefault("fontName", "Body")
    more.setdefault("textColor", INK)
    return ParagraphStyle(name, fontSize=size, alignment=TA_LEFT, **more)


STYLES = {
    "title": style("title", 20, fontName="Body-Bold", textColor=BLUE, spaceAfter=4 * mm),
    1: style("h1", 14, fontName="Body-Bold", textColor=BLUE, spaceBefore=6 * mm, spaceAfter=2.5 * mm),
    2: style("h2", 11.5, fontName="Body-Bold", textColor=BLUE, spaceBefore=4.5 * mm, spaceAfter=1.8 * mm),
    3: style("h3", 10, fontName="Body-Bold", spaceBefore=3 * mm, spaceAfter=1.2 * mm),
    "body": style("body", 10.8, spaceAfter=3 * mm, leading=16),
    "item": style("item", 10.8, leading=15.6, spaceAfter=1 * mm),
    "cell": style("cell", 9.4, leading=12.8),
    "head": style("head", 9.4, leading=12.8, fontName="Body-Bold"),
    "caption": style("caption", 9.4, fontName="Body-Bold", spaceBefore=2 * mm, spaceAfter=1.4 * mm),
    "callout": style("callout", 10.4, leading=15),
    "toc1": style("toc1", 10, leading=15),
    "toc2": style("toc2", 9, leading=12.4, leftIndent=6 * mm),
}


def register_fonts(folder: Path | None) -> None:
    """Registers DejaVu from `folder` or the usual places; the files must be release 2.37."""
    for name, (file, digest) in FONTS.items():
        places = [folder] if folder else [Path(place) for place in FONT_FOLDERS]
        found = next((place / file for place in places if (place / file).is_file()), None)
        if found is None:
            raise SourceError(f"font {file} not found; install fonts-dejavu (Debian) or name a folder with --font-dir")
        actual = hashlib.sha256(found.read_bytes()).hexdigest()
        if not actual.startswith(digest):
            raise SourceError(f"font {found} is not DejaVu 2.37 (sha256 {actual[:16]}…)")
        pdfmetrics.registerFont(TTFont(name, str(found)))
    pdfmetrics.registerFontFamily("Body", normal="Body", bold="Body-Bold", italic="Body", boldItalic="Body-Bold")


def rich(text: str) -> str:
    """Inline markup to reportlab's own."""
    out = []
    for kind, part in spans(text):
        part = escape(part)
        if kind == "bold":
            part = f"<b>{part}</b>"
        elif kind == "code":
            part = f'<font name="Mono" size="-1">{part}</font>'
        out.append(part)
    return "".join(out)


class Flow(Flowable):
    """A chain of boxes joined by arrows, wrapped over rows of at most four."""

    def __init__(self, steps: list[str], caption: str):
        super().__init__()
        self.steps, self.caption = steps, caption
        self.row_height = 19 * mm
        self.rows = (len(steps) + 3) // 4

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        return WIDTH, self.rows * self.row_height + 7 * mm

    def draw(self) -> None:
        canvas, gap = self.canv, 9 * mm
        box_width, box_height = (WIDTH - 3 * gap) / 4, 12 * mm
        top = self.rows * self.row_height + 5 * mm
        for number, step in enumerate(self.steps):
            row, column = divmod(number, 4)
            left, low = column * (box_width + gap), top - row * self.row_height - box_height
            canvas.setStrokeColor(BLUE)
            canvas.setFillColor(SHADE)
            canvas.roundRect(left, low, box_width, box_height, 2 * mm, fill=1)
            text = Paragraph(rich(step), style("box", 8, leading=9.6))
            _, height = text.wrap(box_width - 3 * mm, box_height)
            text.drawOn(canvas, left + 1.5 * mm, low + (box_height - height) / 2)
            if number + 1 < len(self.steps):
                self.arrow(left, low, box_width, box_height, gap, column)
        canvas.setFillColor(INK)
        canvas.setFont("Body-Bold", 8.8)
        canvas.drawString(0, 1 * mm, self.caption)

    def arrow(self, left: float, low: float, width: float, height: float, gap: float, column: int) -> None:
        """An arrow to the next box, on the same row or round to the next one."""
        canvas, middle = self.canv, low + height / 2
        canvas.setFillColor(BLUE)
        if column < 3:
            start, end = left + width, left + width + gap
            canvas.line(start, middle, end - 2 * mm, middle)
            path = canvas.beginPath()
            path.moveTo(end, middle)
            path.lineTo(end - 2.4 * mm, middle + 1.2 * mm)
            path.lineTo(end - 2.4 * mm, middle - 1.2 * mm)
        else:
            turn, centre = low - (self.row_height - height) / 2, width / 2
            canvas.line(left + centre, low, left + centre, turn)
            canvas.line(left + centre, turn, centre, turn)
            end = low - (self.row_height - height)
            canvas.line(centre, turn, centre, end + 2 * mm)
            path = canvas.beginPath()
            path.moveTo(centre, end)
            path.lineTo(centre - 1.2 * mm, end + 2.4 * mm)
            path.lineTo(centre + 1.2 * mm, end + 2.4 * mm)
        path.close()
        canvas.drawPath(path, fill=1, stroke=0)


class PlantDocument(BaseDocTemplate):
    """An A4 document with the plant's header and footer, contents entries and outline."""

    def __init__(self, target: io.BytesIO, source: Source, total_pages: int):
        head = source.head
        super().__init__(target, pagesize=A4, title=head["title"], author=head["company"], subject=head["number"],
                         creator="sample plant", producer="reportlab", lang=head["language"],
                         leftMargin=MARGIN, rightMargin=MARGIN, topMargin=27 * mm, bottomMargin=22 * mm)
        self.source, self.total_pages = source, total_pages
        frame = Frame(MARGIN, 22 * mm, WIDTH, A4[1] - 49 * mm, 0, 0, 0, 0)
        self.addPageTemplates([PageTemplate("plant", [frame], onPage=self.furniture)])

    def furniture(self, canvas, _document) -> None:
        """Header and footer."""
        head = self.source.head
        labels = LABELS[head["language"]]
        canvas.saveState()
        canvas.setFillColor(BLUE)
        canvas.setFont("Body-Bold", 8.5)
        canvas.drawString(MARGIN, A4[1] - 15 * mm, head["company"])
        canvas.setFont("Body", 8.5)
        canvas.drawRightString(A4[0] - MARGIN, A4[1] - 15 * mm, f"{head['number']} · {labels['revision']} {head['revision']}")
        canvas.setFillColor(INK)
        canvas.drawString(MARGIN, A4[1] - 19.5 * mm, head["title"])
        canvas.setStrokeColor(RULE)
        canvas.line(MARGIN, A4[1] - 21.5 * mm, A4[0] - MARGIN, A4[1] - 21.5 * mm)
        canvas.line(MARGIN, 17 * mm, A4[0] - MARGIN, 17 * mm)
        canvas.drawString(MARGIN, 12.5 * mm, head["classification"])
        canvas.drawRightString(A4[0] - MARGIN, 12.5 * mm, labels["page"].format(canvas.getPageNumber(), self.total_pages))
        canvas.restoreState()

    def afterFlowable(self, flowable) -> None:  # noqa: N802 (reportlab's name)
        level = getattr(flowable, "plant_level", 0)
        if level:
            text = flowable.getPlainText()
            mark = f"p{self.page}-{hash_text(text)}"
            self.canv.bookmarkPage(mark)
            self.canv.addOutlineEntry(text, mark, level - 1, closed=level == 1)
            self.notify("TOCEntry", (level - 1, escape(text), self.page, mark))


def hash_text(text: str) -> int:
    """A number from a text that is the same in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def column_widths(block: Block) -> list[float]:
    """Widths by weight, but no column narrower than its longest word: no word is cut."""
    total = sum(block.weights)
    widths = [WIDTH * weight / total for weight in block.weights]
    least = []
    for column in range(len(widths)):
        words = [(word, STYLES["head" if at == 0 else "cell"]) for at, row in enumerate(block.rows)
                 for word in re.sub(r"[*`]", "", row[column]).split()]
        longest = max((stringWidth(word, style.fontName, style.fontSize) for word, style in words), default=0)
        least.append(longest + CELL_PADDING)
    lacking = sum(max(0, need - width) for need, width in zip(least, widths))
    spare = sum(max(0, width - need) for need, width in zip(least, widths))
    if lacking == 0 or spare < lacking:
        return widths
    return [need if width < need else width - (width - need) * lacking / spare
            for need, width in zip(least, widths)]


def table_of(block: Block) -> Table:
    """A ruled table with a repeated head row."""
    widths = column_widths(block)
    rows = [[Paragraph(rich(cell), STYLES["head" if at == 0 else "cell"]) for cell in row] for at, row in enumerate(block.rows)]
    table = Table(rows, colWidths=widths, repeatRows=1)
    table.setStyle(TableStyle([
        ("BACKGROUND", (0, 0), (-1, 0), SHADE), ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE), ("BOX", (0, 0), (-1, -1), 0.6, RULE),
        ("TOPPADDING", (0, 0), (-1, -1), 3), ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ("LEFTPADDING", (0, 0), (-1, -1), 4), ("RIGHTPADDING", (0, 0), (-1, -1), 4)]))
    return table


def callout_of(text: str) -> Table:
    """A boxed warning or note."""
    label, _, rest = text.partition(":")
    ink = colors.HexColor(CALLOUT_INK[label])
    box = Table([[Paragraph(f"<b>{label}:</b> {rich(rest.strip())}", STYLES["callout"])]], colWidths=[WIDTH])
    box.setStyle(TableStyle([("LINEBEFORE", (0, 0), (0, -1), 3, ink), ("BACKGROUND", (0, 0), (-1, -1), colors.HexColor("#f6f7f9")),
                             ("LEFTPADDING", (0, 0), (-1, -1), 9), ("TOPPADDING", (0, 0), (-1, -1), 5),
                             ("BOTTOMPADDING", (0, 0), (-1, -1), 6)]))
    return box


def flowables_of(block: Block) -> list[Flowable]:
    """The flowables of one block."""
    if block.kind == "heading":
        heading = Paragraph(rich(block.text), STYLES[block.level])
        heading.keepWithNext = True
        if block.level < 3:
            heading.plant_level = block.level
        return [CondPageBreak(30 * mm), heading]
    if block.kind == "paragraph":
        return [Paragraph(rich(block.text), STYLES["body"])]
    if block.kind in ("bullets", "numbers"):
        items = [ListItem(Paragraph(rich(item), STYLES["item"]), spaceAfter=1.2 * mm) for item in block.items]
        sign = {"bulletType": "1", "bulletFormat": "%s."} if block.kind == "numbers" else {"bulletType": "bullet", "start": "•"}
        return [ListFlowable(items, leftIndent=7 * mm, bulletFontName="Body", bulletFontSize=10.8, bulletColor=BLUE, **sign),
                Spacer(0, 2 * mm)]
    if block.kind == "callout":
        return [Spacer(0, 1 * mm), callout_of(block.text), Spacer(0, 3.2 * mm)]
    if block.kind == "table":
        table = table_of(block)
        parts: list[Flowable] = [KeepTogether([table]) if len(block.rows) <= SHORT_TABLE_ROWS else table, Spacer(0, 4 * mm)]
        if block.text:
            caption = Paragraph(rich(block.text), STYLES["caption"])
            caption.keepWithNext = True
            parts.insert(0, caption)
        return parts
    if block.kind == "flow":
        return [KeepTogether([Spacer(0, 2 * mm), Flow(block.items, block.text), Spacer(0, 4 * mm)])]
    return [PageBreak()]


def story_of(source: Source) -> list[Flowable]:
    """The whole document as flowables."""
    story: list[Flowable] = [Paragraph(escape(source.head["title"]), STYLES["title"])]
    rows = [[Paragraph(escape(label), STYLES["head"]), Paragraph(escape(value), STYLES["cell"])] for label, value in info_rows(source)]
    box = Table(rows, colWidths=[WIDTH * 0.25, WIDTH * 0.75])
    box.setStyle(TableStyle([("BOX", (0, 0), (-1, -1), 0.6, RULE), ("BACKGROUND", (0, 0), (0, -1), SHADE),
                             ("LINEBELOW", (0, 0), (-1, -1), 0.3, RULE), ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    story += [box, Spacer(0, 6 * mm)]
    if source.head.get("contents") == "yes":
        contents = TableOfContents(dotsMinLevel=0, levelStyles=[STYLES["toc1"], STYLES["toc2"]])
        heading = Paragraph(LABELS[source.head["language"]]["contents"], STYLES[2])
        story += [heading, contents, PageBreak()]
    for block in source.blocks:
        story += flowables_of(block)
    return story


def render_pdf(source: Source) -> bytes:
    """Renders a source; twice, because the footer names the number of pages."""
    rl_config.invariant = 1
    rl_config.canvas_basefontname = "Body"
    total_pages = 0
    for _ in range(4):
        target = io.BytesIO()
        document = PlantDocument(target, source, total_pages)
        document.multiBuild(story_of(source))
        if document.page == total_pages:
            return target.getvalue()
        total_pages = document.page
    raise SourceError(f"{source.path.name}: the number of pages does not settle")
