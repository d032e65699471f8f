"""The bootstrap templates, judged by CloudFormation's linter and by Terraform."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import hcl2
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
FORMS = ["user", "role", "rotating", "china"]
OPTIONS = {"ManagementAccount", "CustomerManagedKey", "CloudTrail", "SessionPolicies"}


@pytest.fixture(scope="session")
def templates(tmp_path_factory):
    """Each form's role.yaml and role.tf, rendered by the crate's own example program."""
    directory = tmp_path_factory.mktemp("templates")
    program = TARGET / "debug" / "examples" / "render_templates"
    subprocess.run([program, directory], check=True)
    return directory


class CloudFormation(yaml.SafeLoader):
    """YAML with CloudFormation's tags, each read as {tag: value}."""


def tagged(loader, suffix, node):
    reader = {"scalar": loader.construct_scalar, "sequence": loader.construct_sequence}[node.id]
    value = reader(node) if node.id == "scalar" else reader(node, deep=True)
    return {suffix: value}


CloudFormation.add_multi_constructor("!", tagged)


def role_of(path):
    return yaml.load(path.read_text(), CloudFormation)["Resources"]["CurfewRole"]["Properties"]


ONE = "0192f0c1-7a3b-7c4d-8e5f-0123456789ab"
TWO = "0192f0c1-7a3b-7c4d-8e5f-ba9876543210"


def trust_of(form):
    """What the example program was told, as the one statement that says it."""
    partition = "aws-cn" if form == "china" else "aws"
    account = f"arn:{partition}:iam::210987654321"
    conditions = {("StringEquals", "sts:ExternalId"): {ONE, TWO} if form in ("rotating", "china") else {ONE}}
    if form != "user":
        conditions["ArnLike", "aws:PrincipalArn"] = {f"{account}:role/Curfew", f"{account}:role/*/Curfew"}
    principal = f"{account}:user/curfew" if form == "user" else f"{account}:root"
    return {"principals": {principal}, "actions": {"sts:AssumeRole"}, "conditions": conditions}


@pytest.mark.parametrize("form", FORMS)
def test_cfn_lint_finds_nothing(templates, form):
    linter = [Path(sys.executable).with_name("cfn-lint"), "--", templates / form / "role.yaml"]
    answer = subprocess.run(linter, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("form", FORMS)
def test_cloudformation_trusts_curfew_alone_and_with_the_external_id(templates, form):
    (statement,) = role_of(templates / form / "role.yaml")["AssumeRolePolicyDocument"]["Statement"]
    (principals,) = statement["Principal"].values()
    said = {
        "principals": items(principals),
        "actions": items(statement["Action"]),
        "conditions": cloudformation_conditions(statement),
    }
    assert (statement["Effect"], set(statement["Principal"])) == ("Allow", {"AWS"})
    assert said == trust_of(form)


@pytest.mark.parametrize("form", FORMS)
def test_terraform_trusts_curfew_alone_and_with_the_external_id(templates, form):
    module = hcl2.loads((templates / form / "role.tf").read_text())
    document = find(module["data"], "aws_iam_policy_document", "trust")
    assert contents(document) == {"statement"}
    (statement,) = document["statement"]
    (principals,) = statement["principals"]
    said = {
        "principals": texts(principals["identifiers"]),
        "actions": texts(statement["actions"]),
        "conditions": terraform_conditions(statement),
    }
    assert contents(statement) == {"sid", "actions", "principals", "condition"}
    assert text(principals["type"]) == "AWS"
    assert said == trust_of(form)
    role = find(module["resource"], "aws_iam_role", "curfew")
    assert text(role["assume_role_policy"]) == "${data.aws_iam_policy_document.trust.json}"
    policy = find(module["resource"], "aws_iam_role_policy", "curfew")
    assert text(policy["policy"]) == "${data.aws_iam_policy_document.permissions.json}"


@pytest.mark.parametrize("form", FORMS)
def test_what_only_some_customers_need_is_behind_its_option(templates, form):
    first, *others = role_of(templates / form / "role.yaml")["Policies"]
    always = [action for s in first["PolicyDocument"]["Statement"] for action in s["Action"]]
    assert {action.split(":")[0] for action in always} == {"sso", "identitystore", "organizations"}
    assert {policy["If"][0] for policy in others} == OPTIONS


@pytest.mark.parametrize("form", FORMS)
def test_both_templates_allow_the_same(templates, form):
    cloudformation = cloudformation_permissions(templates / form / "role.yaml")
    assert len(cloudformation) > 5
    assert terraform_permissions(templates / form / "role.tf") == cloudformation


@pytest.mark.parametrize("form", FORMS)
def test_what_changes_something_is_narrowed_to_the_instance(templates, form):
    reading = ("List", "Describe", "Get", "LookupEvents")
    for sid, statement in cloudformation_permissions(templates / form / "role.yaml").items():
        actions = {action.split(":")[1] for action in statement["actions"]}
        if not all(action.startswith(reading) for action in actions):
            assert "*" not in statement["resources"], sid


NAMES = [f"curfew-sessions-{number}" for number in (1, 2, 3, 4)]


@pytest.mark.parametrize("form", FORMS)
def test_sessions_are_ended_by_these_policies_alone_and_only_their_content_is_curfews(templates, form):
    permissions = cloudformation_permissions(templates / form / "role.yaml")
    concerned = {sid: one for sid, one in permissions.items() if one["option"] == "SessionPolicies"}
    assert {sid: (one["actions"], one["resources"]) for sid, one in concerned.items()} == {
        "FindSessionPolicies": ({"organizations:ListPolicies"}, {"*"}),
        "WriteSessionPolicies": (
            {f"organizations:{name}" for name in ("DescribePolicy", "ListTargetsForPolicy", "UpdatePolicy")},
            set(POLICIES),
        ),
    }


@pytest.mark.parametrize("form", FORMS)
def test_cloudformation_makes_the_session_policies_where_they_are_wanted(templates, form):
    template = yaml.load((templates / form / "role.yaml").read_text(), CloudFormation)
    assert template["Parameters"]["SessionPoliciesRoot"]["Default"] == ""
    assert len(template["Description"]) <= 1024
    policies = [one for one in template["Resources"].values() if one["Type"] == "AWS::Organizations::Policy"]
    assert [one["Properties"]["Name"] for one in policies] == NAMES
    for policy in policies:
        properties = policy["Properties"]
        assert policy["Condition"] == "SessionPolicies"
        assert properties["TargetIds"] == [{"Ref": "SessionPoliciesRoot"}]
        assert properties["Type"] == "SERVICE_CONTROL_POLICY"
        denies_nobody(properties["Content"])


@pytest.mark.parametrize("form", FORMS)
def test_terraform_makes_the_session_policies_where_they_are_wanted_and_leaves_their_content_alone(templates, form):
    module = hcl2.loads((templates / form / "role.tf").read_text())
    policy = find(module["resource"], "aws_organizations_policy", "sessions")
    attachment = find(module["resource"], "aws_organizations_policy_attachment", "sessions")
    for resource in (policy, attachment):
        assert text(resource["count"]) == "${var.session_policies ? 4 : 0}"
    assert text(policy["name"]) == "curfew-sessions-${count.index + 1}"
    assert text(policy["type"]) == "SERVICE_CONTROL_POLICY"
    assert [text(one) for one in bare(policy["lifecycle"])["ignore_changes"]] in (["content"], ["${content}"])
    denies_nobody(text(policy["content"]).replace('\\"', '"'))
    (variable,) = (one for one in module["variable"] if "session_policies" in {text(name) for name in one})
    assert next(iter(variable.values()))["default"] is False


def denies_nobody(content):
    """A text, not a structure, so that CloudFormation finds no drift in it."""
    (statement,) = json.loads(content)["Statement"]
    assert statement["Condition"] == {"StringEquals": {"identitystore:UserId": "nobody"}}


KEY = "the key"
POLICIES = [f"session policy {number}" for number in (1, 2, 3, 4)]
SWITCHES = {
    "${var.management_account ? [true] : []}": "ManagementAccount",
    "${var.instance_key_arn != null ? [true] : []}": "CustomerManagedKey",
    "${var.cloudtrail ? [true] : []}": "CloudTrail",
    "${var.session_policies ? [true] : []}": "SessionPolicies",
}


def cloudformation_permissions(path):
    """What is allowed, by statement."""
    first, *others = role_of(path)["Policies"]
    policies = [(None, first)]
    for policy in others:
        option, chosen, otherwise = policy["If"]
        assert otherwise == {"Ref": "AWS::NoValue"}
        policies.append((option, chosen))
    statements = {}
    for option, policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
            assert statement["Effect"] == "Allow"
            statements[statement["Sid"]] = {
                "option": option,
                "actions": items(statement["Action"]),
                "resources": {cloudformation_resource(one) for one in statement["Resource"]},
                "conditions": cloudformation_conditions(statement),
            }
    return statements


def cloudformation_resource(one):
    if one == {"Ref": "InstanceKeyArn"}:
        return KEY
    if isinstance(one, dict):
        name, _, attribute = one["GetAtt"].partition(".")
        assert attribute == "Arn"
        return POLICIES[int(name.removeprefix("SessionPolicy")) - 1]
    return one


def cloudformation_conditions(statement):
    return {
        (test, key): items(values)
        for test, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    }


def terraform_permissions(path):
    """What is allowed, by statement."""
    document = find(hcl2.loads(path.read_text())["data"], "aws_iam_policy_document", "permissions")
    blocks = [(None, block) for block in document["statement"]]
    for entry in document["dynamic"]:
        ((kind, dynamic),) = ((text(kind), bare(block)) for kind, block in entry.items())
        assert kind == "statement"
        blocks.append((SWITCHES[dynamic["for_each"]], bare(dynamic["content"])))
    statements = {}
    for option, block in blocks:
        assert contents(block) <= {"sid", "actions", "resources", "condition"}
        statements[text(block["sid"])] = {
            "option": option,
            "actions": texts(block["actions"]),
            "resources": {terraform_resource(one) for one in texts(block["resources"])},
            "conditions": terraform_conditions(block),
        }
    return statements


def terraform_resource(one):
    if one == "${var.instance_key_arn}":
        return KEY
    policy = re.fullmatch(r"\$\{aws_organizations_policy\.sessions\[(\d)\]\.arn\}", one)
    return POLICIES[int(policy[1])] if policy else one


def terraform_conditions(block):
    return {
        (text(one["test"]), text(one["variable"])): texts(one["values"]) for one in block.get("condition", [])
    }


def items(value):
    return set(value) if isinstance(value, list) else {value}


def texts(values):
    return {text(value) for value in values}


def contents(block):
    return {name for name in block if not name.startswith("__")}


def find(data, kind, name):
    for entry in data:
        for found_kind, named in entry.items():
            for found_name, block in named.items():
                if (text(found_kind), text(found_name)) == (kind, name):
                    return block
    raise AssertionError(f"no {kind}.{name}")


def bare(block):
    return block[0] if isinstance(block, list) else block


def text(value):
    """A quoted text of HCL, in which `$${` stands for `${`."""
    return value.strip('"').replace("$${", "${") if value.startswith('"') else value


@pytest.fixture(scope="session")
def terraform():
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("terraform is not on this machine: its templates were parsed, not judged by it")
    return program


@pytest.mark.parametrize("form", FORMS)
def test_terraform_has_nothing_to_reformat(templates, terraform, form):
    arguments = [terraform, "fmt", "-check", "-diff", str(templates / form / "role.tf")]
    answer = subprocess.run(arguments, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("form", FORMS)
def test_terraform_finds_the_module_valid(templates, terraform, form, tmp_path):
    shutil.copy(templates / form / "role.tf", tmp_path)
    init = subprocess.run([terraform, "init", "-backend=false", "-input=false"], cwd=tmp_path, capture_output=True)
    if init.returncode != 0:
        pytest.skip("terraform has no AWS provider here, and can't fetch one: formatted and parsed only")
    answer = subprocess.run([terraform, "validate"], cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr
