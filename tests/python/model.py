"""Checks answers against botocore's own service models, more strictly than botocore's parsers do.

botocore skips members that it doesn't know and types that don't fit, so a parsed answer proves little. This reads
what was on the wire.
"""

import base64
import re
from xml.etree import ElementTree

NAMESPACE = "{https://sts.amazonaws.com/doc/2011-06-15/}"
# The pattern's \p{…} classes are Unicode properties, which Python's re doesn't have.
UNICODE = re.compile(r"\\p\{")


def json_misfits(shape, value, path="answer"):
    """What of a JSON value doesn't fit its shape."""
    kind = shape.type_name
    if kind == "structure":
        return _structure_misfits(shape, value, path)
    if kind == "list":
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        found = _size_misfits(shape, len(value), path)
        for number, item in enumerate(value):
            found += json_misfits(shape.member, item, f"{path}[{number}]")
        return found
    if kind == "string":
        return _string_misfits(shape, value, path)
    if kind == "blob":
        return _blob_misfits(shape, value, path)
    fits = {
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "long": isinstance(value, int) and not isinstance(value, bool),
        # JSON 1.1 carries times as seconds since 1970.
        "timestamp": isinstance(value, (int, float)) and not isinstance(value, bool),
    }
    return [] if fits.get(kind, False) else [f"{path}: {value!r} is no {kind}"]


def _structure_misfits(shape, value, path):
    if not isinstance(value, dict):
        return [f"{path}: not a structure"]
    found = [f"{path}.{name}: required, and absent" for name in shape.required_members if name not in value]
    for name, member in value.items():
        if name not in shape.members:
            found.append(f"{path}.{name}: not in the model")
        elif member is None:
            found.append(f"{path}.{name}: null")
        else:
            found += json_misfits(shape.members[name], member, f"{path}.{name}")
    return found


def _string_misfits(shape, value, path):
    if not isinstance(value, str):
        return [f"{path}: {value!r} is no string"]
    found = _size_misfits(shape, len(value), path)
    if getattr(shape, "enum", None) and value not in shape.enum:
        found.append(f"{path}: {value!r} is none of {shape.enum}")
    pattern = shape.metadata.get("pattern")
    if pattern and not UNICODE.search(pattern) and not re.fullmatch(pattern, value):
        found.append(f"{path}: {value!r} does not fit {pattern}")
    return found


def _blob_misfits(shape, value, path):
    """JSON carries bytes in base64."""
    try:
        size = len(base64.b64decode(value, validate=True))
    except (TypeError, ValueError):
        return [f"{path}: {value!r} is no base64"]
    return _size_misfits(shape, size, path)


def _size_misfits(shape, size, path):
    least, greatest = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and size < least) or (greatest is not None and size > greatest):
        return [f"{path}: {size} long, not {least} to {greatest}"]
    return []


def xml_misfits(operation, text):
    """What of a query answer doesn't fit its operation's output."""
    root = ElementTree.fromstring(text)
    name = operation.name
    if root.tag != f"{NAMESPACE}{name}Response":
        return [f"the root is {root.tag}"]
    children = [child.tag.removeprefix(NAMESPACE) for child in root]
    if children != [f"{name}Result", "ResponseMetadata"]:
        return [f"the root holds {children}"]
    return _element_misfits(operation.output_shape, root[0], name)


def _element_misfits(shape, element, path):
    if shape.type_name != "structure":
        text = element.text or ""
        if shape.type_name == "integer":
            return [] if text.isdigit() else [f"{path}: {text!r} is no integer"]
        if shape.type_name == "timestamp":
            fits = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text)
            return [] if fits else [f"{path}: {text!r} is no time"]
        return _string_misfits(shape, text, path)
    names = [child.tag.removeprefix(NAMESPACE) for child in element]
    found = [f"{path}.{name}: required, and absent" for name in shape.required_members if name not in names]
    for child, name in zip(element, names):
        if name in shape.members:
            found += _element_misfits(shape.members[name], child, f"{path}.{name}")
        else:
            found.append(f"{path}.{name}: not in the model")
    return found
