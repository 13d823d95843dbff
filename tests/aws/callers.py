"""Callers with keys, as `pappus key` makes them."""

import hashlib

HOLDERS = {"predict": "shop", "label": "lin", "operate": "ada"}


def key(role):
    """Like one that is made, but that anybody may know it."""
    return f"pappus_{hashlib.sha256(role.encode()).hexdigest()}"


def line(role):
    return f"{role} {HOLDERS[role]} sha256:{hashlib.sha256(key(role).encode()).hexdigest()}"


def bearer(role):
    return {"authorization": f"Bearer {key(role)}"}
