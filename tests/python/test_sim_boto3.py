"""boto3 works against the stand-in unchanged, and every answer has the shape that botocore's models say."""

import json
import urllib.parse
import urllib.request
from contextlib import contextmanager

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from model import json_misfits, xml_misfits

MANAGEMENT, PROD = "100000000001", "100000000003"
KMS_KEY = "arn:aws:kms:us-east-1:555500000001:key/5f8d1c1e-3f6b-4a35-9d0e-1b7c6a2e4d90"
DENY = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"identitystore:UserId": "no"}}}
DENYING = json.dumps({"Version": "2012-10-17", "Statement": [DENY]})
MAC = {"KeyId": KMS_KEY, "MacAlgorithm": "HMAC_SHA_256", "Message": b"hello"}


def code_of(caught):
    return caught.value.response["Error"]["Code"]


class Acme:
    """Acme's Identity Center as the stand-in has it, found through AWS's own operations."""

    def __init__(self, sim, role=None):
        session = sim.session(role)
        self.sso = sim.client("sso-admin", session)
        self.store = sim.client("identitystore", session)
        self.organizations = sim.client("organizations", session)
        instance = self.sso.list_instances()["Instances"][0]
        self.instance, self.store_id = instance["InstanceArn"], instance["IdentityStoreId"]
        sets = self.sso.get_paginator("list_permission_sets").paginate(InstanceArn=self.instance)
        self.sets = {
            self.sso.describe_permission_set(InstanceArn=self.instance, PermissionSetArn=arn)["PermissionSet"][
                "Name"
            ]: arn
            for page in sets
            for arn in page["PermissionSets"]
        }
        self.alice = self.store.get_user_id(
            IdentityStoreId=self.store_id,
            AlternateIdentifier={
                "UniqueAttribute": {"AttributePath": "emails.value", "AttributeValue": "alice@acme.example"}
            },
        )["UserId"]

    def change(self, account=PROD):
        return {
            "InstanceArn": self.instance,
            "TargetId": account,
            "TargetType": "AWS_ACCOUNT",
            "PermissionSetArn": self.sets["ReadOnly"],
            "PrincipalType": "USER",
            "PrincipalId": self.alice,
        }

    def assigned(self, account=PROD):
        listed = self.sso.list_account_assignments(
            InstanceArn=self.instance, AccountId=account, PermissionSetArn=self.sets["ReadOnly"]
        )
        return [one["PrincipalId"] for one in listed["AccountAssignments"]]

    def creation(self, request_id):
        described = self.sso.describe_account_assignment_creation_status(
            InstanceArn=self.instance, AccountAssignmentCreationRequestId=request_id
        )
        return described["AccountAssignmentCreationStatus"]

    def deletion(self, request_id):
        described = self.sso.describe_account_assignment_deletion_status(
            InstanceArn=self.instance, AccountAssignmentDeletionRequestId=request_id
        )
        return described["AccountAssignmentDeletionStatus"]


def test_assume_role_is_refused_without_the_external_id(sim):
    sts = sim.client("sts")
    for external_id in ({}, {"ExternalId": "another-one"}):
        with pytest.raises(ClientError) as caught:
            sts.assume_role(RoleArn=sim.ROLE, RoleSessionName="pytest", **external_id)
        assert code_of(caught) == "AccessDenied"
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    identity = sim.client("sts", sim.session()).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::100000000002:assumed-role/CurfewAccess/pytest"


def test_an_assignment_is_created_seen_in_progress_then_succeeded_listed_and_deleted(sim):
    acme = Acme(sim)
    created = acme.sso.create_account_assignment(**acme.change())["AccountAssignmentCreationStatus"]
    assert created["Status"] == "IN_PROGRESS"
    assert acme.creation(created["RequestId"])["Status"] == "IN_PROGRESS"
    sim.control("PUT", "clock", {"advance_ms": 1000})
    assert acme.creation(created["RequestId"])["Status"] == "SUCCEEDED"
    assert acme.assigned() == [acme.alice]

    deleted = acme.sso.delete_account_assignment(**acme.change())["AccountAssignmentDeletionStatus"]
    assert deleted["Status"] == "IN_PROGRESS"
    sim.control("PUT", "clock", {"advance_ms": 1000})
    assert acme.deletion(deleted["RequestId"])["Status"] == "SUCCEEDED"
    assert acme.assigned() == []


def test_a_get_with_its_parameters_in_the_url_is_signed_and_answered_like_a_post(sim):
    parameters = {"Version": "2011-06-15", "Action": "GetCallerIdentity", "Odd": "a b/ç~*"}
    query = urllib.parse.urlencode(parameters, safe="", quote_via=urllib.parse.quote)
    request = AWSRequest(method="GET", url=f"{sim.url}/?{query}")
    SigV4Auth(Credentials(sim.ACCESS_KEY, sim.SECRET_KEY), "sts", sim.REGION).add_auth(request)
    sent = urllib.request.Request(request.url, headers=dict(request.headers))
    with urllib.request.urlopen(sent, timeout=10) as response:
        assert b"arn:aws:iam::555500000001:user/curfew" in response.read()


def put_policy(sim, name):
    """Gives Acme a service control policy at its root, which its delegated administrator may change."""
    acme = next(one for one in sim.control("GET", "world")["organizations"] if one["management_account"] == MANAGEMENT)
    policy = {"name": name, "content": DENYING, "targets": [acme["root_id"], PROD]}
    sim.control("PATCH", "world", [
        {"change": "put_policy", "management_account": MANAGEMENT, "policy": policy},
        {"change": "delegate_policies", "management_account": MANAGEMENT, "accounts": ["100000000002"]},
    ])
    listed = sim.client("organizations", sim.session()).list_policies(Filter="SERVICE_CONTROL_POLICY")
    return next(policy["Id"] for policy in listed["Policies"] if policy["Name"] == name)


def answers(sim):
    """Every operation that the stand-in plays, called with good parameters."""
    sts, own = sim.client("sts"), Acme(sim)
    acme = Acme(sim, sim.MANAGEMENT_ROLE)
    sso, store, organizations = acme.sso, acme.store, acme.organizations
    created = own.sso.create_account_assignment(**own.change())["AccountAssignmentCreationStatus"]
    sim.control("PUT", "clock", {"advance_ms": 1000})
    unknown = dict(own.change("100000000004"), PrincipalId="a0f287110e-00000000-0000-4000-8000-000000000000")
    failed = own.sso.create_account_assignment(**unknown)["AccountAssignmentCreationStatus"]
    sim.control("PUT", "clock", {"advance_ms": 1000})
    deleted = own.sso.delete_account_assignment(**own.change())["AccountAssignmentDeletionStatus"]
    sim.control("PUT", "clock", {"advance_ms": 1000})
    group = store.list_groups(IdentityStoreId=acme.store_id)["Groups"][0]["GroupId"]
    root = organizations.list_roots()["Roots"][0]["Id"]
    instance, in_store = {"InstanceArn": acme.instance}, {"IdentityStoreId": acme.store_id}
    read_only = dict(instance, PermissionSetArn=acme.sets["ReadOnly"])
    email = {"AttributePath": "emails.value", "AttributeValue": "alice@acme.example"}
    policy = put_policy(sim, "one")
    return [
        (sts, "AssumeRole", {"RoleArn": sim.ROLE, "RoleSessionName": "ab", "ExternalId": sim.EXTERNAL_ID}),
        (sts, "GetCallerIdentity", {}),
        (sso, "ListInstances", {"RegionScope": "ALL_REGIONS"}),
        (sso, "DescribeInstance", instance),
        (sso, "ListPermissionSets", dict(instance, MaxResults=2)),
        (sso, "DescribePermissionSet", read_only),
        (sso, "ListTagsForResource", dict(instance, ResourceArn=acme.sets["ReadOnly"])),
        (sso, "ListManagedPoliciesInPermissionSet", read_only),
        (sso, "ListCustomerManagedPolicyReferencesInPermissionSet", read_only),
        (sso, "GetInlinePolicyForPermissionSet", read_only),
        (sso, "ListPermissionSetsProvisionedToAccount", dict(instance, AccountId="100000000001")),
        (sso, "ListAccountsForProvisionedPermissionSet", dict(instance, PermissionSetArn=acme.sets["OrgAdmin"])),
        (sso, "CreateAccountAssignment", acme.change("100000000005")),
        (sso, "ListAccountAssignmentCreationStatus", instance),
        (sso, "DescribeAccountAssignmentCreationStatus",
         dict(instance, AccountAssignmentCreationRequestId=created["RequestId"])),
        (sso, "DescribeAccountAssignmentCreationStatus",
         dict(instance, AccountAssignmentCreationRequestId=failed["RequestId"])),
        (None, "settle", None),
        (sso, "ListAccountAssignments", dict(read_only, AccountId="100000000005")),
        (sso, "DeleteAccountAssignment", acme.change("100000000005")),
        (sso, "DescribeAccountAssignmentDeletionStatus",
         dict(instance, AccountAssignmentDeletionRequestId=deleted["RequestId"])),
        (sso, "ListAccountAssignmentDeletionStatus", dict(instance, Filter={"Status": "SUCCEEDED"})),
        (store, "ListUsers", dict(in_store, MaxResults=2)),
        (store, "DescribeUser", dict(in_store, UserId=acme.alice)),
        (store, "GetUserId", dict(in_store, AlternateIdentifier={"UniqueAttribute": email})),
        (store, "ListGroups", in_store),
        (store, "DescribeGroup", dict(in_store, GroupId=group)),
        (store, "ListGroupMemberships", dict(in_store, GroupId=group)),
        (organizations, "DescribeOrganization", {}),
        (organizations, "ListAccounts", {"MaxResults": 2}),
        (organizations, "DescribeAccount", {"AccountId": PROD}),
        (organizations, "ListRoots", {}),
        (organizations, "ListOrganizationalUnitsForParent", {"ParentId": root}),
        (organizations, "ListAccountsForParent", {"ParentId": root}),
        (organizations, "ListParents", {"ChildId": PROD}),
        (organizations, "ListTagsForResource", {"ResourceId": PROD}),
        (organizations, "ListDelegatedAdministrators", {"ServicePrincipal": "sso.amazonaws.com"}),
        (organizations, "ListPolicies", {"Filter": "SERVICE_CONTROL_POLICY", "MaxResults": 1}),
        (organizations, "DescribePolicy", {"PolicyId": policy}),
        (organizations, "ListTargetsForPolicy", {"PolicyId": policy}),
        (organizations, "ListTargetsForPolicy", {"PolicyId": "p-FullAWSAccess"}),
        (organizations, "UpdatePolicy", {"PolicyId": policy, "Content": DENYING}),
        (sim.client("kms", region="us-east-1"), "GenerateMac", MAC),
    ]


@contextmanager
def wire(client, operation):
    """What comes in on the wire for an operation, before botocore parses it."""
    seen = []
    event = f"before-parse.{client.meta.service_model.service_id.hyphenize()}.{operation}"

    def keep(response_dict, **_):
        seen.append(response_dict)

    client.meta.events.register(event, keep)
    try:
        yield seen
    finally:
        client.meta.events.unregister(event, keep)


def test_every_answer_has_its_models_shape(sim):
    misfits, called = {}, set()
    for client, operation, parameters in answers(sim):
        if client is None:
            sim.control("POST", operation)
            continue
        model = client.meta.service_model.operation_model(operation)
        with wire(client, operation) as seen:
            client._make_api_call(operation, parameters)
        answer = seen[-1]
        service = client.meta.service_model.service_name
        called.add(f"{service}:{operation}")
        if service == "sts":
            found = xml_misfits(model, answer["body"])
        else:
            found = json_misfits(model.output_shape, json.loads(answer["body"]))
            assert answer["headers"]["x-amzn-requestid"]
        if found:
            misfits[operation] = found
    assert misfits == {}
    played = {name.split(":")[1] for name in sim.control("GET", "operations")}
    assert {name.split(":")[1] for name in called} == played


def mutated(parameters, member, value):
    return {name: given for name, given in {**parameters, member: value}.items() if given is not None}


def refusals(sim):
    """Calls that AWS refuses, with the code it should refuse them with."""
    acme = Acme(sim)
    unknown_set = acme.sets["ReadOnly"][:-16] + "0" * 16
    instance, in_store = {"InstanceArn": acme.instance}, {"IdentityStoreId": acme.store_id}
    no_user = "a0f287110e-00000000-0000-4000-8000-000000000000"
    no_id = "00000000-0000-4000-8000-000000000000"
    acme.sso.create_account_assignment(**acme.change())
    sso, store, organizations = acme.sso, acme.store, acme.organizations
    policy = put_policy(sim, "one")
    put_policy(sim, "two")
    return [
        (sso, "ListPermissionSets", {"InstanceArn": "arn:aws:sso:::instance/ssoins-0000000000000000"},
         "AccessDeniedException"),
        (sso, "ListPermissionSets", dict(instance, NextToken="bm90aGluZw=="), "ValidationException"),
        (sso, "DescribePermissionSet", dict(instance, PermissionSetArn=unknown_set), "ResourceNotFoundException"),
        (sso, "DescribeAccountAssignmentCreationStatus", dict(instance, AccountAssignmentCreationRequestId=no_id),
         "ResourceNotFoundException"),
        (sso, "CreateAccountAssignment", acme.change(), "ConflictException"),
        (sso, "CreateAccountAssignment", acme.change("100000000001"), "AccessDeniedException"),
        (sso, "DeleteAccountAssignment", acme.change("100000000004"), "ResourceNotFoundException"),
        (store, "DescribeUser", dict(in_store, UserId=no_user), "ResourceNotFoundException"),
        (store, "DescribeGroup", dict(in_store, GroupId=no_user), "ResourceNotFoundException"),
        (store, "ListUsers", {"IdentityStoreId": "d-0000000000"}, "ResourceNotFoundException"),
        (store, "ListUsers", dict(in_store, Filters=[{"AttributePath": "Title", "AttributeValue": "x"}]),
         "ValidationException"),
        (organizations, "DescribeAccount", {"AccountId": "999999999999"}, "AccountNotFoundException"),
        (organizations, "ListAccountsForParent", {"ParentId": "r-none"}, "ParentNotFoundException"),
        (organizations, "ListParents", {"ChildId": "999999999999"}, "ChildNotFoundException"),
        (organizations, "ListTagsForResource", {"ResourceId": "999999999999"}, "TargetNotFoundException"),
        (organizations, "ListAccounts", {"NextToken": "nothing"}, "InvalidInputException"),
        (organizations, "DescribePolicy", {"PolicyId": "p-0000000000"}, "PolicyNotFoundException"),
        (organizations, "ListTargetsForPolicy", {"PolicyId": "p-0000000000"}, "PolicyNotFoundException"),
        (organizations, "UpdatePolicy", {"PolicyId": policy, "Content": "{}"}, "MalformedPolicyDocumentException"),
        (organizations, "UpdatePolicy", {"PolicyId": policy, "Content": DENYING + " " * 10_240},
         "ConstraintViolationException"),
        (organizations, "UpdatePolicy", {"PolicyId": policy, "Name": "two"}, "DuplicatePolicyException"),
        (organizations, "UpdatePolicy", {"PolicyId": "p-FullAWSAccess", "Content": DENYING}, "InvalidInputException"),
    ]


def check_refusal(client, operation, parameters, code):
    """The refusal has this code, which the operation's model knows, and its error's shape."""
    model = client.meta.service_model.operation_model(operation)
    with wire(client, operation) as seen, pytest.raises(ClientError) as caught:
        client._make_api_call(operation, parameters)
    assert code_of(caught) == code, operation
    assert caught.value.response["Error"]["Message"]
    shapes = {shape.name: shape for shape in model.error_shapes}
    assert code in shapes, f"{operation} never answers {code}"
    body = json.loads(seen[-1]["body"])
    assert body.pop("__type") == code
    assert seen[-1]["headers"]["x-amzn-errortype"] == code
    assert json_misfits(shapes[code], body) == [], operation
    expected = 500 if code in ("InternalServerException", "ServiceException", "KMSInternalException") else 400
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == expected


def test_every_refusal_is_one_of_its_operations_errors(sim):
    for refusal in refusals(sim):
        check_refusal(*refusal)


@pytest.mark.parametrize(
    ("state", "spec", "code"),
    [
        ("Disabled", "HMAC_256", "DisabledException"),
        ("PendingDeletion", "HMAC_256", "KMSInvalidStateException"),
        ("Enabled", "HMAC_512", "InvalidKeyUsageException"),
        ("Enabled", "SYMMETRIC_DEFAULT", "InvalidKeyUsageException"),
    ],
)
def test_kms_refuses_a_key_by_its_state_and_spec(sim, state, spec, code):
    world = sim.control("GET", "world")
    world["kms_keys"][0].update(state=state, spec=spec)
    sim.control("PUT", "world", world)
    kms = sim.client("kms", region="us-east-1")
    check_refusal(kms, "GenerateMac", MAC, code)
    check_refusal(kms, "GenerateMac", dict(MAC, KeyId="alias/another"), "NotFoundException")


@pytest.mark.parametrize(
    ("kind", "sso_code", "organizations_code", "kms_code"),
    [
        ({"kind": "throttle"}, "ThrottlingException", "TooManyRequestsException", None),
        ({"kind": "server_error", "status": 500}, "InternalServerException", "ServiceException",
         "KMSInternalException"),
        ({"kind": "access_denied", "message": "no"}, "AccessDeniedException", "AccessDeniedException", None),
    ],
)
def test_faults_of_every_operation_are_errors_of_its_model(sim, kind, sso_code, organizations_code, kms_code):
    every = [entry for entry in answers(sim) if entry[0] is not None]
    for client, operation, parameters in every:
        service = client.meta.service_model.service_name
        code = {"sts": None, "organizations": organizations_code, "kms": kms_code}.get(service, sso_code)
        # What is common to all services is not in the models of STS and KMS.
        if code is None:
            continue
        sim.control("POST", "faults", {"operation": operation, "times": 1, **kind})
        check_refusal(client, operation, parameters, code)


def test_missing_and_malformed_parameters_are_refused_by_the_service_itself(sim):
    """botocore checks parameters before it sends; past that check, the stand-in does."""
    acme = Acme(sim)
    unchecked = sim.client("sso-admin", sim.session(), parameter_validation=False)
    change = acme.change()
    for member in change:
        for value in (None, "?"):
            with pytest.raises(ClientError) as caught:
                unchecked.create_account_assignment(**mutated(change, member, value))
            assert code_of(caught) == "ValidationException", (member, value)


def test_pages_hold_every_item_once(sim):
    acme = Acme(sim)
    sim.control("PATCH", "behaviour", {"page_size": 2})
    pages = list(acme.store.get_paginator("list_users").paginate(IdentityStoreId=acme.store_id))
    users = [user["UserId"] for page in pages for user in page["Users"]]
    assert (len(pages), len(users), len(set(users))) == (2, 4, 4)
    accounts = [
        account["Id"]
        for page in acme.organizations.get_paginator("list_accounts").paginate()
        for account in page["Accounts"]
    ]
    assert len(accounts) == len(set(accounts)) == 6


def test_the_checker_finds_what_does_not_fit():
    model = botocore.session.get_session().get_service_model("identitystore")
    shape = model.operation_model("GetUserId").output_shape
    good = {
        "IdentityStoreId": "d-0123456789",
        "UserId": "a0f287110e-a52991f1-4836-6c0b-75db-23a7c4d73722",
        "UserArn": "arn:aws:identitystore:::user/a0f287110e-a52991f1-4836-6c0b-75db-23a7c4d73722",
    }
    assert json_misfits(shape, good) == []
    for change in ({"UserId": 7}, {"UserId": "alice"}, {"UserId": None}, {"Extra": "x"}):
        assert len(json_misfits(shape, {**good, **change})) == 1, change
    del good["UserArn"]
    assert json_misfits(shape, good) == ["answer.UserArn: required, and absent"]
