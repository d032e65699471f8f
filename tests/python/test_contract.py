"""The server keeps to its own description: schemathesis tries every operation, with good and bad data.

`CURFEW_SCHEMATHESIS_EXAMPLES` says how many examples an operation; there are few by default, and 200 before a release.
"""

import os
import subprocess
import sys
from pathlib import Path

from curfewd import Curfewd

HERE = Path(__file__).resolve().parent
EXAMPLES = os.environ.get("CURFEW_SCHEMATHESIS_EXAMPLES", "15")


def statuses(curfew):
    """How many requests ended with each status, by the server's own count."""
    import re
    import urllib.request

    text = urllib.request.urlopen(f"{curfew.url}/metrics", timeout=10).read().decode()
    counts = {}
    for line in text.splitlines():
        match = re.fullmatch(r'\w*requests?\w*total\{.*status="(\d+)".*\} (\d+)', line)
        if match:
            status, count = match.groups()
            counts[status] = counts.get(status, 0) + int(count)
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
        counts = statuses(curfew)
        refused = counts.get("401", 0)
        assert sum(counts.values()) > 100, counts
        assert refused * 2 < sum(counts.values()), f"most requests stopped at the credential check: {counts}"
