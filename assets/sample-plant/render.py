#!/usr/bin/env python3
"""Renders the sample plant's sources to documents/, the same bytes on every run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from renderer.markup import Source, SourceError, read_source
from renderer.pdf import register_fonts, render_pdf
from renderer.plain import render_markdown, render_text
from renderer.word import render_docx

HERE = Path(__file__).resolve().parent
RENDERERS = {".pdf": render_pdf, ".docx": render_docx, ".md": render_markdown, ".txt": render_text}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="Exit status: 0 done or unchanged, 1 --check found a difference, 2 a source or font is wrong.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="render only sources whose file name contains NAME (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when documents/ differs from a fresh render")
    parser.add_argument("--font-dir", type=Path, help="folder with the DejaVu 2.37 fonts (default: the usual system folders)")
    return parser.parse_args()


def render(source: Source) -> bytes:
    """Renders by the ending of the target file."""
    ending = Path(source.file).suffix
    if ending not in RENDERERS:
        raise SourceError(f"{source.path.name}: no renderer for {source.file!r}")
    return RENDERERS[ending](source)


def main() -> int:
    """Renders or compares every chosen source."""
    options = arguments()
    target, different = HERE / "documents", []
    try:
        register_fonts(options.font_dir)
        paths = sorted((HERE / "sources").rglob("*.md"))
        chosen = [path for path in paths if not options.names or any(name in path.name for name in options.names)]
        sources = [read_source(path) for path in chosen]
        for source in sources:
            data, place = render(source), target / source.file
            if options.check:
                if not place.is_file() or place.read_bytes() != data:
                    different.append(source.file)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            print(f"{source.file:58} {len(data):8} bytes")
    except SourceError as error:
        print(f"render: {error}", file=sys.stderr)
        return 2
    if options.check and not options.names:
        known = {source.file for source in sources}
        present = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
        different += sorted(f"{name} (no source)" for name in present - known)
    for name in different:
        print(f"render: differs: {name}", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
