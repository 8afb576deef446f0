"""An appliance of its own for a check from outside: a fresh directory, a free port, four people."""

import json
import os
import pathlib
import ssl
import subprocess
import tempfile
import time
import urllib.request

PASSWORD = "a long enough passphrase 4711"
START_S = 60


class Appliance:
    """The executable on a fresh data directory; a context, at whose end it is stopped."""

    def __init__(self, executable):
        self.executable = executable
        self.scratch = tempfile.TemporaryDirectory(prefix="millwright-contract-")
        self.data = pathlib.Path(self.scratch.name) / "data"
        self.log = pathlib.Path(self.scratch.name) / "server.log"
        self.server = None
        self.url = None

    def __enter__(self):
        environment = {
            **os.environ,
            "MILLWRIGHT_LOG_FORMAT": "json",
            "MILLWRIGHT_SERVER_REQUESTS_PER_MINUTE_AND_USER": "100000",
        }
        arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", self.data]
        with self.log.open("wb") as log:
            self.server = subprocess.Popen(
                [self.executable, *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        started = time.monotonic()
        while self.url is None:
            self.url = self._ready_url()
            if self.server.poll() is not None or time.monotonic() - started > START_S:
                raise SystemExit(f"the server is not ready:\n{self.log.read_text()}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.server.terminate()
        try:
            self.server.wait(40)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        self.scratch.cleanup()

    def _ready_url(self):
        for line in self.log.read_text().splitlines():
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if said.get("message") == "ready":
                return said["url"]
        return None

    @property
    def authority(self):
        """The certificate that a client has to trust."""
        return self.data / "tls" / "ca.pem"

    def command(self, *arguments):
        """Runs a command on the data directory; returns its JSON."""
        called = [self.executable, *arguments, "--json", "--data-dir", self.data]
        done = subprocess.run(called, capture_output=True, check=True)
        return json.loads(done.stdout)

    def send(self, method, path, body=None, headers=None):
        """One request; returns the answer's JSON (or nothing) and its headers."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        trust = ssl.create_default_context(cafile=self.authority)
        trust.check_hostname = False
        with urllib.request.urlopen(request, context=trust, timeout=60) as answer:
            text = answer.read()
            return (json.loads(text) if text else None), answer.headers

    def person(self, tenant, email, role):
        """Makes somebody who has chosen a password; returns their bearer token."""
        made = self.command(
            "user", "add", email, "--tenant", tenant, "--name", role, "--role", role
        )
        login = {"tenant": tenant, "email": email}
        once = made["one_time_password"]
        _, headers = self.send("POST", "/api/v1/auth/login", {**login, "password": once})
        cookie = {"Cookie": headers["Set-Cookie"].split(";")[0], "Sec-Fetch-Site": "same-origin"}
        change = {"current_password": once, "new_password": PASSWORD}
        self.send("POST", "/api/v1/auth/password", change, cookie)
        login = {**login, "password": PASSWORD, "token": True}
        token, _ = self.send("POST", "/api/v1/auth/login", login)
        return token["access_token"]
