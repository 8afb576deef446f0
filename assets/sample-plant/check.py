#!/usr/bin/env python3
"""Checks plant.json, golden.jsonl and tuning.jsonl against the rendered documents and prints their counts.

Needs `pdftotext` (poppler-utils) and the packages of requirements.txt.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import docx

from renderer.markup import read_source

HERE = Path(__file__).resolve().parent
LEVELS = ("PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED")
ROLES = ("viewer", "operator", "admin")
HALVES = ("tuning", "reported")
KINDS = ("answerable", "unanswerable", "withdrawn")
# What the sample plant promises to those who build on it.
LEAST = {"pages": 85, "documents": 14, "questions": 70, "unanswerable": 15, "identifier": 8, "german or czech": 6,
         "withdrawn": 4, "clearance": 2, "german documents": 3, "czech documents": 1, "export-controlled documents": 1}
LARGEST_FOLDER_BYTES = 3_000_000
TUNING_SHARE = (0.4, 0.6)


@dataclass
class Document:
    """A manifest entry with the text of its pages (one page where the format has none)."""

    entry: dict
    pages: list[str]

    @property
    def paged(self) -> bool:
        """Whether page numbers mean something for this format."""
        return self.entry["file"].endswith(".pdf")

    @property
    def valid(self) -> bool:
        """Whether the revision is in force."""
        return self.entry["status"] == "valid"


@dataclass
class Plant:
    """Everything that was read, and the faults found."""

    documents: dict[str, list[Document]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def need(self, true: bool, fault: str) -> None:
        """Notes a fault unless the condition holds."""
        if not true:
            self.faults.append(fault)

    def find(self, tenant: str, key: str | None, valid: bool = True) -> list[Document]:
        """A tenant's revisions of one document."""
        return [document for document in self.documents.get(tenant, []) if document.entry["key"] == key and document.valid == valid]


def plain(text: str) -> str:
    """Text with every run of white space as one blank."""
    return re.sub(r"\s+", " ", text).strip()


def pages_of(path: Path) -> list[str]:
    """The text of each page."""
    data = path.read_bytes()
    if path.suffix == ".pdf":
        done = subprocess.run(["pdftotext", "-layout", "-enc", "UTF-8", str(path), "-"], capture_output=True, check=True)
        return [plain(page) for page in done.stdout.decode("utf-8").split("\f")[:-1]]
    if path.suffix == ".docx":
        document = docx.Document(str(path))
        rows = [" | ".join(cell.text for cell in row.cells) for table in document.tables for row in table.rows]
        return [plain("\n".join([paragraph.text for paragraph in document.paragraphs] + rows))]
    codec = "utf-16" if data[:2] == b"\xff\xfe" else "utf-8"
    try:
        return [plain(data.decode(codec))]
    except UnicodeDecodeError:
        return [plain(data.decode("cp1252"))]


def check_manifest(plant: Plant) -> None:
    """Reads plant.json; holds it against the sources and the files."""
    manifest = json.loads((HERE / "plant.json").read_text(encoding="utf-8"))
    plant.need(manifest["format"] == 1, "plant.json: format is not 1")
    heads = {source.file: source.head for source in map(read_source, sorted((HERE / "sources").glob("*.md")))}
    listed = set()
    for tenant in manifest["tenants"]:
        slug = tenant["slug"]
        check_users(plant, slug, tenant["users"])
        last: dict[str, dict] = {}
        for entry in tenant["documents"]:
            name = entry["file"].removeprefix("documents/")
            listed.add(name)
            check_entry(plant, entry, heads.get(name), last.get(entry["key"]))
            last[entry["key"]] = entry
            path = HERE / entry["file"]
            if path.is_file():
                plant.documents.setdefault(slug, []).append(Document(entry, pages_of(path)))
        for key, entry in last.items():
            plant.need(entry["status"] == "valid", f"{slug}: last revision of {key} is not valid")
    present = {path.relative_to(HERE / "documents").as_posix() for path in (HERE / "documents").rglob("*") if path.is_file()}
    plant.need(present == listed, f"documents/ and plant.json differ: {sorted(present ^ listed)}")


def check_users(plant: Plant, slug: str, users: list[dict]) -> None:
    """All roles are there and every field has a known value."""
    plant.need({user["role"] for user in users} == set(ROLES), f"{slug}: the users do not cover the three roles")
    plant.need(len({user["email"] for user in users}) == len(users), f"{slug}: an e-mail address stands twice")
    for user in users:
        plant.need(user["clearance"] in LEVELS and isinstance(user["export_eligible"], bool), f"{slug}: user {user['email']}")


def check_entry(plant: Plant, entry: dict, head: dict | None, before: dict | None) -> None:
    """One document of the manifest against its source and its earlier revision."""
    name = entry["file"]
    plant.need((HERE / name).is_file(), f"{name}: no such file")
    if head is None:
        plant.faults.append(f"{name}: no source renders it")
        return
    for ours, theirs in (("key", "number"), ("title", "title"), ("classification", "classification"), ("language", "language")):
        plant.need(entry[ours] == head[theirs], f"{name}: {ours} {entry[ours]!r} is {head[theirs]!r} in the source")
    plant.need(entry["classification"] in LEVELS, f"{name}: classification")
    plant.need(entry["metadata"]["printed_revision"] == head["revision"], f"{name}: printed revision differs from the source")
    plant.need(datetime.fromisoformat(entry["effective_from"]).date().isoformat() == head["date"], f"{name}: effective_from")
    plant.need(entry["export_control"] == ("notice" in head), f"{name}: export_control differs from the source")
    plant.need(entry["revision"] == (before["revision"] + 1 if before else 1), f"{name}: revision number out of order")
    if before:
        plant.need(before["effective_to"] == entry["effective_from"], f"{name}: the revision before does not end where this one begins")


def may_read(question: dict, entry: dict) -> bool:
    """Whether the asker's clearance and export mark reach a document."""
    level = LEVELS.index(entry["classification"]) <= LEVELS.index(question["clearance"])
    return level and (question["export_eligible"] or not entry["export_control"])


def holds(document: Document, page: int | None, texts: list[str]) -> bool:
    """Whether one of the texts stands on the page (anywhere when the format has no pages)."""
    pages = document.pages if page is None else document.pages[page - 1:page]
    return any(text in content for content in pages for text in map(plain, texts))


def check_question(plant: Plant, question: dict) -> None:
    """One line of golden.jsonl or tuning.jsonl."""
    name = question["id"]
    for key, values in (("half", HALVES), ("kind", KINDS), ("clearance", LEVELS), ("language", ("en", "de", "cs"))):
        plant.need(question[key] in values, f"{name}: {key} {question[key]!r}")
    plant.need(question["tenant"] in plant.documents, f"{name}: unknown tenant")
    if question["kind"] == "answerable":
        check_answerable(plant, question)
    else:
        check_refused(plant, question)


def check_answerable(plant: Plant, question: dict) -> None:
    """The answer stands where the line says, in a document the asker may read."""
    name, tenant = question["id"], question["tenant"]
    places = [{"document": question["document"], "page": question["page"]}, *question.get("also", [])]
    texts = [question["answer"], *question.get("answer_alternatives", [])]
    plant.need(0 < len(question["answer"]) <= 60, f"{name}: the answer is empty or long")
    for place in places:
        found = plant.find(tenant, place["document"])
        if not found:
            plant.faults.append(f"{name}: no valid document {place['document']}")
            continue
        plant.need(may_read(question, found[0].entry), f"{name}: the asker may not read {place['document']}")
        plant.need((place["page"] is not None) == found[0].paged, f"{name}: page number against format of {place['document']}")
        plant.need(holds(found[0], place["page"], texts[:1]), f"{name}: {texts[0]!r} is not on {place['document']} page {place['page']}")


def check_refused(plant: Plant, question: dict) -> None:
    """Nothing the asker may read gives the answer away, and what must not be told does exist."""
    name, tenant = question["id"], question["tenant"]
    plant.need(question["document"] is None and question["page"] is None and question["answer"] is None, f"{name}: names an answer")
    readable = [document for document in plant.documents[tenant] if document.valid and may_read(question, document.entry)]
    absent, forbidden = question.get("absent", []), question.get("forbidden")
    plant.need(bool(absent) or forbidden is not None, f"{name}: neither 'absent' nor 'forbidden' says why there is no answer")
    for term in absent:
        hits = [document.entry["key"] for document in readable if any(term.lower() in page.lower() for page in document.pages)]
        plant.need(not hits, f"{name}: {term!r} stands in {hits}")
    if forbidden is None:
        plant.need(question["kind"] != "withdrawn", f"{name}: a withdrawn question without 'forbidden'")
        return
    hidden = plant.find(tenant, forbidden["document"], valid=question["kind"] != "withdrawn")
    hidden = [document for document in hidden if document.entry["revision"] == forbidden["revision"]]
    plant.need(bool(hidden) and holds(hidden[0], None, [forbidden["text"]]), f"{name}: forbidden text not found")
    leaks = [document.entry["key"] for document in readable if holds(document, None, [forbidden["text"]])]
    plant.need(not leaks, f"{name}: {forbidden['text']!r} may be read in {leaks}")


def check_unique(plant: Plant, golden: list[dict], tuning: list[dict]) -> None:
    """No id and no question stands twice, and what only serves for fitting says so."""
    both = golden + tuning
    for identifier, count in Counter(question["id"] for question in both).items():
        plant.need(count == 1, f"{identifier}: the id stands twice")
    asked = Counter((question["tenant"], question["clearance"], question["question"]) for question in both)
    for (*_, text), count in asked.items():
        plant.need(count == 1, f"{text!r} stands twice")
    for question in tuning:
        plant.need(question["half"] == "tuning", f"{question['id']}: tuning.jsonl holds only the tuning half")


def check_counts(plant: Plant, questions: list[dict]) -> dict[str, int]:
    """The promises of LEAST, and even halves."""
    documents = [document for of_tenant in plant.documents.values() for document in of_tenant]
    first = plant.documents["rauental"]
    counts = {
        "pages": sum(len(document.pages) for document in first if document.paged),
        "documents": len(first),
        "questions": len(questions),
        "unanswerable": sum(question["kind"] == "unanswerable" for question in questions),
        "identifier": sum(question["category"] == "identifier" for question in questions),
        "german or czech": sum(question["language"] != "en" for question in questions),
        "withdrawn": sum(question["kind"] == "withdrawn" for question in questions),
        "clearance": sum(question["category"] == "clearance" for question in questions),
        "german documents": sum(document.entry["language"] == "de" for document in first),
        "czech documents": sum(document.entry["language"] == "cs" for document in first),
        "export-controlled documents": sum(document.entry["export_control"] for document in documents),
    }
    for key, least in LEAST.items():
        plant.need(counts[key] >= least, f"{key}: {counts[key]}, promised are {least}")
    for kind in KINDS:
        of_kind = [question["half"] for question in questions if question["kind"] == kind]
        share = of_kind.count("tuning") / max(len(of_kind), 1)
        plant.need(TUNING_SHARE[0] <= share <= TUNING_SHARE[1], f"{kind}: share of the tuning half is {share:.2f}")
    size = sum(path.stat().st_size for path in (HERE / "documents").rglob("*") if path.is_file())
    plant.need(size <= LARGEST_FOLDER_BYTES, f"documents/ has {size} bytes")
    return counts | {"bytes in documents/": size}


def show(counts: dict[str, int], questions: list[dict]) -> None:
    """Prints the tables."""
    for key, value in counts.items():
        print(f"{key:30}{value:>10}")
    print(f"\n{'kind':14}{'category':14}{'tuning':>8}{'reported':>10}")
    cells = Counter((question["kind"], question["category"], question["half"]) for question in questions)
    for kind, category in sorted({key[:2] for key in cells}):
        print(f"{kind:14}{category:14}{cells[kind, category, 'tuning']:>8}{cells[kind, category, 'reported']:>10}")
    for half in HALVES:
        kinds = Counter(question["kind"] for question in questions if question["half"] == half)
        print(f"{half}: " + ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS))


def read_questions(name: str) -> list[dict]:
    """The lines of a file of questions."""
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def main() -> int:
    """Checks everything; the exit status is 1 when a fault was found."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    plant = Plant()
    check_manifest(plant)
    questions, tuning = read_questions("golden.jsonl"), read_questions("tuning.jsonl")
    for question in questions + tuning:
        check_question(plant, question)
    check_unique(plant, questions, tuning)
    show(check_counts(plant, questions), questions)
    kinds = Counter(question["kind"] for question in tuning)
    print("tuning.jsonl: " + ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS))
    for fault in plant.faults:
        print(f"check: {fault}", file=sys.stderr)
    return 1 if plant.faults else 0


if __name__ == "__main__":
    sys.exit(main())
