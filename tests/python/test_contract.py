"""The server keeps to its own description: schemathesis tries every operation, with good and bad data.

`CURFEW_SCHEMATHESIS_EXAMPLES` says how many examples an operation; there are few by default, and 200 before a release.
"""

import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

from curfewd import Curfewd

HERE = Path(__file__).resolve().parent
EXAMPLES = os.environ.get("CURFEW_SCHEMATHESIS_EXAMPLES", "15")
# The key that everything is tried with has no login to end or to refresh.
OF_A_LOGIN = {("POST", "/v1/auth/logout"), ("POST", "/v1/auth/refresh")}


def answers(curfew):
    """How many requests of each operation ended with each status, by the server's own count."""
    text = urllib.request.urlopen(f"{curfew.url}/metrics", timeout=10).read().decode()
    counts = {}
    for labels, count in re.findall(r"^curfew_http_requests_total\{(.*)\} (\d+)$", text, re.MULTILINE):
        label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        operation = counts.setdefault((label["method"], label["route"]), {})
        operation[label["status"]] = operation.get(label["status"], 0) + int(count)
    return counts


def test_every_operation_keeps_to_the_description(sim, tmp_path):
    sim.control("PUT", "clock", {"frozen": False})
    with Curfewd(sim.url) as curfew:
        made = curfew.set_up("alice@acme.example")
        scopes = [
            scope["scope"]
            for resource in curfew.ok("GET", "/v1/permissions")["data"]
            for scope in resource["scopes"]
        ]
        key = curfew.ok("POST", "/v1/api-keys", {"name": "schemathesis", "scopes": scopes})
        run = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                "--config-file",
                str(HERE / "schemathesis.toml"),
                "run",
                f"{curfew.url}/openapi.json",
                "--max-examples",
                EXAMPLES,
                "--workers",
                "2",
            ],
            cwd=tmp_path,
            env={
                **os.environ,
                "CURFEW_URL": curfew.url,
                "CURFEW_KEY": key["raw_key"],
                "CURFEW_TENANT": made["tenant"]["id"],
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert run.returncode == 0, f"{run.stdout}\n--- log ---\n{curfew.log.read_text()[-20000:]}"
        counts = answers(curfew)
        assert len(counts) > 50, counts
        closed = {one for one, statuses in counts.items() if set(statuses) <= {"401", "403"}}
        assert closed <= OF_A_LOGIN, f"nobody gets into these, so nothing of them was tried: {closed}"
