"""What CloudFormation looks at before it changes anything, and moto does not: constraints of parameters, and rules."""

import re

from actions import several


def refusal(template, given):
    """Why a template is not deployed with these parameters; nothing where it is."""
    values = {name: str(given.get(name, each.get("Default", ""))) for name, each in template["Parameters"].items()}
    for name, parameter in template["Parameters"].items():
        value = values[name]
        if value not in map(str, parameter.get("AllowedValues", [value])):
            return f"Parameter '{name}' must be one of AllowedValues"
        if not re.fullmatch(parameter.get("AllowedPattern", "(?s).*"), value):
            why = parameter.get("ConstraintDescription", f"it may be {parameter.get('AllowedPattern')}")
            return f"Parameter {name} failed to satisfy constraint: {why}"
    for name, rule in template.get("Rules", {}).items():
        if holds(rule.get("RuleCondition", True), values):
            for assertion in rule["Assertions"]:
                if not holds(assertion["Assert"], values):
                    return f"Rule {name} failed: {assertion['AssertDescription']}"
    return None


def holds(condition, values):
    """Whether a condition of parameters alone is met."""
    if isinstance(condition, bool):
        return condition
    ((function, arguments),) = condition.items()
    match function:
        case "Fn::Equals":
            one, other = (values[each["Ref"]] if isinstance(each, dict) else str(each) for each in arguments)
            return one == other
        case "Fn::Not":
            return not holds(*several(arguments), values)
        case "Fn::And":
            return all(holds(each, values) for each in arguments)
        case "Fn::Or":
            return any(holds(each, values) for each in arguments)
    raise AssertionError(f"a condition of a kind that is not understood here: {condition}")
