#!/usr/bin/env python3
"""Scans the TLS side of an appliance with testssl.sh: only TLS 1.3, nothing found above LOW.

usage: tls.py EXECUTABLE    (needs `testssl`, the Debian package testssl.sh)
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from appliance import Appliance

SCAN_S = 420

# Everything but the simulation of clients and the list of ciphers by protocol, which find nothing that
# the others don't.
TESTS = ["-p", "-s", "-f", "-P", "-S", "-h", "-U"]

ACCEPTED = {"OK", "INFO", "LOW"}

# What is found and is so on purpose, by id.
EXEMPT = {
    "cert_revocation": "the appliance's own authority has no address outside the plant where a list of "
    "revoked certificates could be fetched; a leaf is replaced with its authority",
    "BREACH": "the page that is scanned is static; cookies are SameSite=Strict, so that no other site's "
    "page can make answers with somebody's secrets and its own text",
}

# Protocols by testssl's ids, and whether each must be spoken.
PROTOCOLS = {
    "SSLv2": False,
    "SSLv3": False,
    "TLS1": False,
    "TLS1_1": False,
    "TLS1_2": False,
    "TLS1_3": True,
}


def scan(appliance):
    """The findings of one scan."""
    findings = pathlib.Path(appliance.scratch.name) / "findings.json"
    command = ["testssl", "--quiet", "--warnings", "off", "--color", "0", "--ip", "one"]
    command += ["--add-ca", appliance.authority, "--jsonfile", findings, *TESTS]
    command.append(appliance.url.removeprefix("https://"))
    # The warning that OpenSSL's engine for GOST is not installed tells of the machine that scans, not of the
    # appliance, which speaks no GOST.
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SCAN_S,
        env={**os.environ, "NO_ENGINE": "true"},
    )
    if not findings.exists():
        raise SystemExit(f"tls: no findings: {done.stdout[-4000:]} {done.stderr[-4000:]}")
    return json.loads(findings.read_text())


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    if shutil.which("testssl") is None:
        print("tls: skipped, testssl is not installed (Debian package testssl.sh)")
        return
    with Appliance(sys.argv[1]) as appliance:
        findings = scan(appliance)
    faults, by_id = [], {finding["id"]: finding for finding in findings}
    for name, spoken in PROTOCOLS.items():
        said = by_id[name]["finding"] if name in by_id else "not looked at"
        if name not in by_id or ("not offered" in said) == spoken:
            faults.append(f"{name}: {said}")
    for finding in findings:
        name, severity = finding["id"], finding["severity"]
        if severity in ACCEPTED:
            continue
        if name in EXEMPT:
            print(f"tls: {name} ({severity}) is accepted: {EXEMPT[name]}")
        else:
            faults.append(f"{name} ({severity}): {finding['finding']}")
    counts = {}
    for finding in findings:
        counts[finding["severity"]] = counts.get(finding["severity"], 0) + 1
    counted = ", ".join(f"{severity} {count}" for severity, count in sorted(counts.items()))
    print(f"tls: {len(findings)} findings: {counted}")
    if len(findings) < 50:
        faults.append("the scan looked at less than it does")
    if faults:
        raise SystemExit("tls: " + "\ntls: ".join(faults))


if __name__ == "__main__":
    main()
