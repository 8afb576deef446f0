#!/usr/bin/env python3
"""Verifies an export of a Millwright audit log, offline, with nothing but Python's own library.

    python3 verify-audit.py EXPORT [--public-key BASE64]

EXPORT is a file of `millwright audit export` (JSON Lines or CSV). It proves that its entries are,
unaltered and complete for their stretch, in the log whose signed checkpoint stands in its first
line. Whose key signed it is not proved by the file: compare the key that is printed with one that
came to you another way, or give it with --public-key. Old entries may have been pruned: the export
begins behind them then, and names the entry of the log that records it.

Exit status: 0 sound, 1 not sound, 2 wrong usage.
"""
import argparse
import base64
import csv
import datetime
import hashlib
import json
import sys


class Unsound(Exception):
    """The export does not prove what it claims."""


LEAST_KEPT = datetime.timedelta(days=90)  # what is younger is never pruned
# Ed25519 (RFC 8032 section 5.1), for verifying alone: nothing here is secret.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def point_add(a, b):
    aa, bb = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    cc, dd = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = bb - aa, dd - cc, dd + cc, bb + aa
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            result = point_add(result, point)
        point = point_add(point, point)
        scalar >>= 1
    return result


def point_decode(data):
    sign, y = divmod(int.from_bytes(data, "little"), 1 << 255)
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * SQRT_M1 % P
    if y >= P or (x * x - x2) % P or (x == 0 and sign):
        raise Unsound("a point of a key or signature is malformed")
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


BASE = point_decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signature_is_genuine(public_key, message, signature):
    r, s = point_decode(signature[:32]), int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little")
    right = point_add(r, point_multiply(k % ORDER, point_decode(public_key)))
    left = point_multiply(s, BASE)
    return s < ORDER and all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


def read_checkpoint(note, origin, public_key):
    """Size and root of a signed note (C2SP tlog-checkpoint, C2SP signed-note)."""
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    key_id = hashlib.sha256(origin.encode() + b"\n\x01" + public_key).digest()[:4]
    for line in signatures.splitlines():
        name, _, data = line.removeprefix("— ").rpartition(" ")
        raw = base64.b64decode(data)
        if name == origin and raw[:4] == key_id and len(raw) == 68:
            if not signature_is_genuine(public_key, text.encode(), raw[4:]):
                raise Unsound("the checkpoint's signature is not genuine")
            log, size, root = text.splitlines()[:3]
            if log != origin:
                raise Unsound("the checkpoint is of another log")
            return int(size), base64.b64decode(root)
    raise Unsound("the checkpoint is not signed by the log's key")


class Cover:
    """Perfect subtrees over the leaves so far, first ones first (RFC 9162 section 2.1)."""

    def __init__(self):
        self.size, self.stack = 0, []

    def push(self, size, digest):
        if size < 1 or size & (size - 1) or self.size % size:
            raise Unsound("the subtrees before or after the entries do not fit")
        self.size += size
        while self.stack and self.stack[-1][0] == size:
            digest = hashlib.sha256(b"\x01" + self.stack.pop()[1] + digest).digest()
            size *= 2
        self.stack.append((size, digest))

    def push_all(self, subtrees):
        for subtree in subtrees:
            self.push(subtree["size"], bytes.fromhex(subtree["hash"]))

    def root(self):
        if not self.stack:
            return hashlib.sha256(b"").digest()
        digest = self.stack[-1][1]
        for _, left in reversed(self.stack[:-1]):
            digest = hashlib.sha256(b"\x01" + left + digest).digest()
        return digest


def lines_of(file):
    """Head, entries and end, each as one line of JSON, of either form."""
    first = file.readline()
    is_csv = first.startswith("# ")
    yield first.removeprefix("# ").rstrip("\r\n")
    if is_csv:
        file.readline()  # the names of the columns
        csv.field_size_limit(1 << 24)
    for line in file:
        is_plain = not is_csv or line.startswith("# ")
        yield line.removeprefix("# ").rstrip("\r\n") if is_plain else next(csv.reader([line]))[-1]


def records_pruning(entry, end):
    """Whether an entry can be the record that the entries before `end` lost their content."""
    detail, moment = entry["detail"], datetime.datetime.fromisoformat
    kept = moment(entry["time"].rstrip("Z")) - moment(detail["cutoff"].rstrip("Z"))
    who_and_what = [entry["action"], entry["actor"], entry["outcome"]]
    return (who_and_what == ["audit.pruned", "appliance", "success"]
            and end <= detail["end"] <= entry["index"]
            and kept >= datetime.timedelta(days=detail["retention_days"]) >= LEAST_KEPT)


def verify(file, expected_key):
    lines = lines_of(file)
    head = json.loads(next(lines))
    if head.get("format") != "millwright-audit-export/1":
        raise Unsound("the format is not millwright-audit-export/1")
    if expected_key and head["public_key"] != expected_key:
        raise Unsound("the log's key is not the one that was given")
    public_key = base64.b64decode(head["public_key"])
    size, root = read_checkpoint(head["checkpoint"], head["origin"], public_key)
    cover, end, pruned = Cover(), None, head.get("pruned")
    cover.push_all(head["before"])
    if cover.size != head["first"] or (pruned and pruned["end"] != head["first"]):
        raise Unsound("the subtrees before the entries do not lead to the first one")
    for line in lines:
        if end is not None:
            raise Unsound("something stands behind the end")
        value = json.loads(line)
        if "end" in value:
            end = value
        elif value.get("index") != cover.size:
            raise Unsound(f"entry {cover.size} is missing, or stands in another place")
        elif pruned and pruned["by"] == cover.size and not records_pruning(value, pruned["end"]):
            raise Unsound(f"entry {cover.size} does not record the pruning that it should")
        else:
            cover.push(1, hashlib.sha256(b"\x00" + line.encode()).digest())
    count = cover.size - head["first"]
    if end is None or end["end"] != count:
        raise Unsound("the export is cut off")
    cover.push_all(end["after"])
    if cover.size != size or cover.root() != root:
        raise Unsound("an entry was altered, added or left out: the root is not the checkpoint's")
    return head, count, size


def main():
    parser = argparse.ArgumentParser(description="Verifies an export of a Millwright audit log.")
    parser.add_argument("export", help="file of `millwright audit export`")
    parser.add_argument("--public-key", help="the log's key in base64, known from elsewhere")
    arguments = parser.parse_args()
    try:
        with open(arguments.export, encoding="utf-8", newline="") as file:
            head, count, size = verify(file, arguments.public_key)
    except (Unsound, ValueError, KeyError, TypeError, IndexError, StopIteration, csv.Error) as error:
        print(f"NOT SOUND: {error or 'the export is malformed'}")
        return 1
    except OSError as error:
        parser.error(str(error))
    print(f"sound: {count} entries from {head['first']} of {size} of the log {head['origin']}")
    if pruned := head.get("pruned"):
        where = "in" if pruned["by"] in range(head["first"], head["first"] + count) else "not in"
        print(f"pruned: all before {pruned['end']}; entry {pruned['by']} records it, {where} here")
    print(f"key: {head['public_key']}" + (" (as given)" if arguments.public_key else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
