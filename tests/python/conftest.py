"""The stand-in for AWS as a program, and boto3 clients that talk to it and to nothing else."""

import json
import os
import subprocess
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
CONFIG = {"retries": {"max_attempts": 0}, "connect_timeout": 5, "read_timeout": 10}


class Sim:
    """A running stand-in."""

    REGION = "eu-west-1"
    ACCESS_KEY = "AKIACURFEWSIMEXAMPLE"
    SECRET_KEY = "curfew/sim/secret/that/opens/nothing/else"
    ROLE = "arn:aws:iam::100000000002:role/CurfewAccess"
    MANAGEMENT_ROLE = "arn:aws:iam::100000000001:role/CurfewAccess"
    EXTERNAL_ID = "0b7ac1a5-7b0e-4f0e-9a53-6f1d2c3b4a59"

    def __init__(self, url):
        self.url = url

    def client(self, service, credentials=None, region=None, **config):
        """A client of one service: Curfew's own, or of a session that AssumeRole gave."""
        keys = credentials or {"AccessKeyId": self.ACCESS_KEY, "SecretAccessKey": self.SECRET_KEY}
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region or self.REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
            config=Config(**CONFIG, **config),
        )

    def session(self, role=None):
        """Credentials of a role."""
        answer = self.client("sts").assume_role(
            RoleArn=role or self.ROLE, RoleSessionName="pytest", ExternalId=self.EXTERNAL_ID
        )
        return answer["Credentials"]

    def control(self, method, path, body=None):
        """Moves the stand-in by hand."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/_sim/{path}",
            data=data,
            method=method,
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            text = response.read()
        return json.loads(text) if text else None


def program():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return os.environ.get("CURFEW_SIM", str(target / "debug" / "curfew-sim"))


@pytest.fixture(scope="session")
def running_sim():
    # The credentials of whoever runs the tests must reach nobody.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    process = subprocess.Popen([program(), "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        yield Sim(process.stdout.readline().strip())
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def sim(running_sim):
    """The stand-in in its first state, its clock standing still."""
    running_sim.control("POST", "reset")
    running_sim.control("PUT", "clock", {"frozen": True})
    return running_sim
