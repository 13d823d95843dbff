"""The template, as Python has it."""

import yaml

from programs import TOP

TEMPLATE = TOP / "infra/aws/template.yaml"


class _Loader(yaml.SafeLoader):
    pass


def _short(loader, suffix, node):
    """CloudFormation's short forms, as the long ones."""
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    else:
        value = loader.construct_sequence(node, deep=True)
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short)


def read(text):
    """A template, with CloudFormation's short forms as the long ones."""
    return yaml.load(text, _Loader) if isinstance(text, str) else text
