"""The real server as a process of its own, on an SQLite file that goes with it, and calls to it."""

import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


def program():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return os.environ.get("CURFEWD", str(target / "debug" / "curfewd"))


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def eventually(what, look):
    """Asks until there is an answer."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = look()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for: {what}")


class Curfewd:
    """A running server; a context manager, so that it ends with its test."""

    PASSWORD = "a-long-passphrase-for-tests"

    def __init__(self, aws_url, **environment):
        self.folder = tempfile.TemporaryDirectory()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = Path(self.folder.name, "log")
        self.headers = {}
        self.environment = {
            "AWS_ACCESS_KEY_ID": "AKIACURFEWSIMEXAMPLE",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": aws_url,
            "AWS_REGION": "us-east-1",
            "AWS_SECRET_ACCESS_KEY": "curfew/sim/secret/that/opens/nothing/else",
            "CURFEW_RATE_LIMIT": "off",
            "DATABASE_URL": f"sqlite://{self.folder.name}/curfew.db",
            "HOME": self.folder.name,
            "PATH": "/usr/bin:/bin",
            "SERVER_PORT": str(self.port),
            **environment,
        }

    def __enter__(self):
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [program(), "serve"],
                env=self.environment,
                cwd=self.folder.name,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually("the server to be healthy", self.is_healthy)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def is_healthy(self):
        if self.process.poll() is not None:
            raise AssertionError(f"curfewd ended:\n{self.log.read_text()}")
        try:
            return self.call("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def call(self, method, path, body=None, **headers):
        """Status and body of one call."""
        data = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, **headers}
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=40) as response:
                status, text = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text else None

    def ok(self, method, path, body=None, **headers):
        """The body of a call that succeeds."""
        status, answer = self.call(method, path, body, **headers)
        assert 200 <= status < 300, f"{method} {path}: {status} {answer}\n{self.log.read_text()}"
        return answer

    def set_up(self, admin, platform_mode="single"):
        """The first run; later calls are the admin's."""
        made = self.ok(
            "POST",
            "/v1/setup/complete",
            {
                "tenant_name": "Acme",
                "tenant_slug": "acme",
                "admin_email": admin,
                "admin_name": "Ada Admin",
                "admin_password": self.PASSWORD,
                "platform_mode": platform_mode,
                "mfa_required": False,
            },
        )
        login = self.ok("POST", "/v1/auth/login", {"email": admin, "password": self.PASSWORD})
        self.headers = {
            "Authorization": f"Bearer {login['token']}",
            "X-Tenant-ID": made["tenant"]["id"],
        }
        return made
