"""Curfew against moto: a stand-in for AWS that knows nothing of Curfew.

Moto ignores the ExternalId, so a role in it can be assumed without: a warning where there is one tenant, and refused
where there may be several. Assignments there succeed at once.
"""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import boto3
import pytest

from curfewd import Curfewd, eventually, free_port

REGION = "us-east-1"
ALICE = "alice@acme.example"
ROLE = "arn:aws:iam::123456789012:role/CurfewAccess"
CONNECTION = "/v1/integrations/aws-identity-center"


class Moto:
    """A running moto with an organization, an instance, a permission set and a person."""

    def __init__(self, url):
        self.url = url
        urllib.request.urlopen(
            urllib.request.Request(f"{url}/moto-api/reset", method="POST"), timeout=10
        )
        organizations = self.client("organizations")
        organizations.create_organization(FeatureSet="ALL")
        created = organizations.create_account(Email="dev@acme.example", AccountName="acme-dev")
        self.account = created["CreateAccountStatus"]["AccountId"]
        instance = self.client("sso-admin").list_instances()["Instances"][0]
        self.instance, store = instance["InstanceArn"], instance["IdentityStoreId"]
        made = self.client("sso-admin").create_permission_set(
            InstanceArn=self.instance,
            Name="ReadOnly",
            # Left out, moto answers a number where AWS has a text.
            SessionDuration="PT1H",
        )
        self.permission_set = made["PermissionSet"]["PermissionSetArn"]
        self.alice = self.client("identitystore").create_user(
            IdentityStoreId=store,
            UserName=ALICE,
            DisplayName="Alice",
            Name={"GivenName": "Alice", "FamilyName": "Archer"},
            Emails=[{"Value": ALICE, "Type": "work", "Primary": True}],
        )["UserId"]

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def assigned(self):
        """Who has the permission set in the account."""
        listed = self.client("sso-admin").list_account_assignments(
            InstanceArn=self.instance, AccountId=self.account, PermissionSetArn=self.permission_set
        )
        return [one["PrincipalId"] for one in listed["AccountAssignments"]]

    def config(self):
        return {"sso_instance_arn": self.instance, "role_arn": ROLE, "region": REGION}


@pytest.fixture(scope="module")
def moto_url():
    port = free_port()
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)],
        env={**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"

    def answers():
        assert process.poll() is None, "moto ended"
        try:
            return urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=5).status == 200
        except OSError:
            return False

    try:
        eventually("moto to answer", answers)
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def moto(moto_url):
    return Moto(moto_url)


def check(answer, name):
    checks = answer.get("checks") or answer["details"]["checks"]
    return next(one["status"] for one in checks if one["name"] == name)


def discovered(curfew):
    state = curfew.ok("GET", "/v1/aws/sync")
    assert state["state"] != "failed", state["error"]
    return state["state"] == "succeeded"


def test_a_role_without_external_id_is_a_warning_where_there_is_one_tenant(moto):
    with Curfewd(moto.url) as curfew:
        curfew.set_up("admin@acme.example")
        curfew.ok("PUT", f"{CONNECTION}/config", moto.config())
        answer = curfew.ok("POST", f"{CONNECTION}/test")
        assert answer["success"] is True, answer
        assert check(answer, "external_id_enforced") == "warning", answer
        assert check(answer, "assume_role") == "passed", answer


def test_a_role_without_external_id_is_refused_where_there_may_be_several(moto):
    with Curfewd(moto.url) as curfew:
        curfew.set_up("admin@acme.example", platform_mode="multi")
        curfew.ok("PUT", f"{CONNECTION}/config", moto.config())
        status, answer = curfew.call("POST", f"{CONNECTION}/test")
        assert (status, answer["code"]) == (422, "unsafe_trust_policy"), answer


def test_a_grant_is_provisioned_there_and_removed(moto):
    with Curfewd(moto.url) as curfew:
        curfew.set_up(ALICE)
        curfew.ok("PUT", f"{CONNECTION}/config", moto.config())
        assert curfew.ok("POST", f"{CONNECTION}/test")["success"] is True
        curfew.ok("POST", "/v1/aws/sync")
        eventually("discovery", lambda: discovered(curfew))
        curfew.ok(
            "POST",
            "/v1/policies",
            {
                "name": "Read anywhere",
                "max_duration_seconds": 3600,
                "approval_mode": "auto",
                "cedar_policy_set": 'permit (principal, action == Action::"request_access", resource);',
            },
        )
        request = curfew.ok(
            "POST",
            "/v1/requests",
            {
                "resource": {"type": "aws_account", "id": moto.account},
                "action": "request_access",
                "permission_set_arn": moto.permission_set,
                "duration_seconds": 3600,
                "reason": "moto",
            },
        )
        assert request["status"] == "approved", request
        grant = f"/v1/grants/{request['grant_id']}"
        eventually("the assignment", lambda: moto.assigned() == [moto.alice])
        eventually("success", lambda: curfew.ok("GET", grant)["provisioning_status"] == "successful")
        assert curfew.ok("DELETE", grant)["status"] == "revoked"
        eventually("the assignment to go", lambda: moto.assigned() == [])
        eventually("its proof", lambda: curfew.ok("GET", grant)["provisioning_status"] == "revoked")
