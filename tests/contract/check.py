#!/usr/bin/env python3
"""Tries every operation of /openapi.json with generated requests, good and bad, as nobody and in each
role: no answer may be a server error, have a status, a media type, a header or a body that the document
does not describe, and what the document forbids must be refused.

usage: check.py EXECUTABLE [--examples N] [--seed N]    (with schemathesis beside this Python)
"""

import argparse
import pathlib
import subprocess
import sys

from appliance import Appliance

# What may sign the caller out or take their rights away (ids of earlier answers are used again): the
# rest of the run would prove nothing. Somebody of their own calls them in the end.
ENDS_THE_CALLER = [
    "session_end",
    "session_revoke",
    "password_change",
    "token_revoke",
    "user_change",
    "user_reset_password",
    "user_reset_factor",
    "user_sign_out",
    "user_session_end",
    "user_token_revoke",
    "factor_begin",
    "factor_confirm",
    "settings_change",
]

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    # What breaks the schema is refused, what needs somebody is refused to nobody, and other methods.
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
]

# One role; a tenth of it is usual.
RUN_S = 900

DOCUMENT = b"# Pump P-101\n\nThe flange bolts are tightened with 45 Nm.\n"


def run(appliance, token, options, ends=False):
    """One run of schemathesis over what ends nobody, or over what may."""
    command = [
        pathlib.Path(sys.executable).with_name("schemathesis"),
        "run",
        f"{appliance.url}/openapi.json",
        "--tls-verify",
        appliance.authority,
        "--checks",
        ",".join(CHECKS),
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        str(options.examples),
        "--seed",
        str(options.seed),
        "--request-timeout",
        "30",
        "--suppress-health-check",
        "all",
        "--warnings",
        "off",
        "--no-color",
        "--continue-on-failure",
    ]
    for operation in ENDS_THE_CALLER:
        command += ["--include-operation-id" if ends else "--exclude-operation-id", operation]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=RUN_S)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("executable")
    parser.add_argument("--examples", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = []
    with Appliance(options.executable) as appliance:
        appliance.command("tenant", "create", "alpha", "--name", "Alpha")
        note = pathlib.Path(appliance.scratch.name) / "pump.md"
        note.write_bytes(DOCUMENT)
        subprocess.run(
            [options.executable, "ingest", note, "--tenant", "alpha", "--data-dir", appliance.data],
            check=True,
            capture_output=True,
        )
        people = {"nobody": None}
        for role in ["viewer", "operator", "admin"]:
            people[role] = appliance.person("alpha", f"{role}@alpha.example", role)
        last = appliance.person("alpha", "last@alpha.example", "admin")
        runs = [(role, token, False) for role, token in people.items()]
        runs.append(("what may end the caller", last, True))
        for name, token, ends in runs:
            done = run(appliance, token, options, ends)
            print(f"contract: {name}: {summary(done)}", flush=True)
            if done.returncode != 0:
                failed.append(name)
                print(done.stdout[-20000:], done.stderr[-4000:], flush=True)
            if token and not ends:
                # Still somebody, or the rest would have been tried as nobody.
                appliance.send("GET", "/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
        if appliance.server.poll() is not None:
            failed.append("the server ended")
    if failed:
        raise SystemExit(f"contract: failed for {', '.join(failed)}")


def summary(done):
    """What schemathesis says of a run, on one line."""
    lines = [line.strip() for line in done.stdout.splitlines()]
    said = [line for line in lines if "generated" in line or line.startswith(("Tested:", "Selected:"))]
    return "; ".join(said) or f"exit status {done.returncode}"


if __name__ == "__main__":
    main()
