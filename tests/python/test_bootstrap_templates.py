"""The bootstrap templates, judged by CloudFormation's linter and by Terraform."""

import os
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
OPTIONS = {"ManagementAccount", "CustomerManagedKey", "CloudTrail"}


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


@pytest.mark.parametrize("form", FORMS)
def test_cfn_lint_finds_nothing(templates, form):
    linter = [Path(sys.executable).with_name("cfn-lint"), "--", templates / form / "role.yaml"]
    answer = subprocess.run(linter, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("form", FORMS)
def test_the_trust_policy_always_demands_an_external_id(templates, form):
    (statement,) = role_of(templates / form / "role.yaml")["AssumeRolePolicyDocument"]["Statement"]
    ids = statement["Condition"]["StringEquals"]["sts:ExternalId"]
    assert len(ids) == (2 if form in ("rotating", "china") else 1)
    assert "210987654321" in statement["Principal"]["AWS"]
    assert statement["Action"] == "sts:AssumeRole"


@pytest.mark.parametrize("form", FORMS)
def test_what_only_some_customers_need_is_behind_its_option(templates, form):
    first, *others = role_of(templates / form / "role.yaml")["Policies"]
    always = [action for s in first["PolicyDocument"]["Statement"] for action in s["Action"]]
    assert {action.split(":")[0] for action in always} == {"sso", "identitystore", "organizations"}
    assert {policy["If"][0] for policy in others} == OPTIONS


@pytest.mark.parametrize("form", FORMS)
def test_both_templates_allow_the_same(templates, form):
    first, *others = role_of(templates / form / "role.yaml")["Policies"]
    policies = [first, *(policy["If"][1] for policy in others)]
    statements = [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]
    cloudformation = {s["Sid"]: set(s["Action"]) for s in statements}
    assert terraform_actions(templates / form / "role.tf") == cloudformation


def terraform_actions(path):
    module = hcl2.loads(path.read_text())
    document = find(module["data"], "aws_iam_policy_document", "permissions")
    blocks = list(document["statement"])
    blocks += [bare(dynamic)["content"][0] for entry in document["dynamic"] for dynamic in entry.values()]
    return {text(block["sid"]): {text(action) for action in block["actions"]} for block in blocks}


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
    return value.strip('"')


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
