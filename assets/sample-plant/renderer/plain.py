"""Markdown and plain text output."""

from __future__ import annotations

from .markup import Source, SourceError, info_rows

ENCODINGS = {"utf-8": ("utf-8", b""), "windows-1252": ("cp1252", b""), "utf-16": ("utf-16-le", b"\xff\xfe")}


def render_markdown(source: Source) -> bytes:
    """The source's body in common Markdown under a title and an information list."""
    lines = [f"# {source.head['title']}", ""]
    lines += [f"- {label}: {value}" for label, value in info_rows(source)] + [""]
    for block in source.blocks:
        if block.kind == "heading":
            lines += ["#" * (block.level + 1) + " " + block.text, ""]
        elif block.kind == "paragraph":
            lines += [block.text, ""]
        elif block.kind == "callout":
            lines += [f"> {block.text}", ""]
        elif block.kind in ("bullets", "numbers"):
            signs = ["- " if block.kind == "bullets" else f"{at}. " for at in range(1, len(block.items) + 1)]
            lines += [sign + item for sign, item in zip(signs, block.items, strict=True)] + [""]
        elif block.kind == "table":
            head, *rows = block.rows
            lines += [f"{block.text}", ""] if block.text else []
            lines += ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)] + [""]
        elif block.kind == "flow":
            lines += [" → ".join(block.items), ""]
    return ("\n".join(lines).rstrip() + "\n").encode("utf-8")


def render_text(source: Source) -> bytes:
    """The body as it stands, in the encoding and line ends that the head names."""
    name = source.head.get("encoding", "utf-8")
    if name not in ENCODINGS:
        raise SourceError(f"{source.path.name}: encoding {name!r} is none of {', '.join(ENCODINGS)}")
    codec, mark = ENCODINGS[name]
    body = source.body.lstrip("\n")
    if source.head.get("line_ends") == "crlf":
        body = body.replace("\n", "\r\n")
    return mark + body.encode(codec)
