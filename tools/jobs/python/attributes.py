"""`value.name`: of objects and classes of the job, of built-in values, and of things of host libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.jobs.python.containers import container_method, has_method
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.strings import string_method
from tools.jobs.python.values import (
    NOTHING,
    Bound,
    Choice,
    ClassMethod,
    ClassValue,
    Function,
    Host,
    Instance,
    Native,
    Partial,
    Property,
    Super,
    Undecided,
    Value,
)

if TYPE_CHECKING:
    from tools.jobs.python.interpreter import Interpreter


def get_attribute(interpreter: Interpreter, value: Value, name: str, site: Site) -> Value:
    """`value.name`, undecided when the reader cannot know it."""
    found = look_up(interpreter, value, name, site)
    if found is NOTHING:
        return site.undecided(f"{describe(value)} has no attribute {name} that is known here")
    return found


def look_up(interpreter: Interpreter, value: Value, name: str, site: Site) -> Value:
    """`value.name`, NOTHING when there is no such attribute."""
    if isinstance(value, Choice):
        return interpreter.lift([value], lambda v: look_up(interpreter, v[0], name, site), site)
    if isinstance(value, Host):
        return value.attribute(name, site)
    if isinstance(value, Instance):
        return _of_instance(value, name, site)
    if isinstance(value, ClassValue):
        return _of_class(value, name, site)
    if isinstance(value, Super):
        return _of_super(value, name, site)
    if isinstance(value, Undecided):
        return _of_undecided(interpreter, value, name, site)
    if isinstance(value, Function | Native | Bound):
        return _of_function(value, name)
    return _of_builtin(value, name)


def _of_builtin(value: Value, name: str) -> Value:
    if isinstance(value, str | Partial):
        return Native(f"str.{name}", lambda site, *a: string_method(value, name, Arguments(a[0], a[1]), site))
    if isinstance(value, list | dict | set | tuple) and has_method(value, name):
        return Native(name, lambda site, *a: container_method(value, name, Arguments(a[0], a[1]), site), lift=False)
    if isinstance(value, int | float) and name in ("real", "numerator"):
        return value
    return NOTHING


def _of_instance(value: Instance, name: str, site: Site) -> Value:
    if name in value.attributes:
        return value.attributes[name]
    if name == "__class__":
        return value.cls
    if name == "__dict__":
        return value.attributes
    found = value.cls.find(name)
    if found is not NOTHING:
        return _bound(found, value, value.cls, site)
    fallback = value.cls.find("__getattr__")
    if fallback is not NOTHING:
        return site.call(fallback, value, name)
    if value.cls.strange_bases:
        return site.undecided(f"{name} of a base class of {value.cls.name} that is not given")
    return NOTHING


def _of_class(value: ClassValue, name: str, site: Site) -> Value:
    if name == "__name__":
        return value.name
    found = value.find(name)
    if isinstance(found, ClassMethod):
        return found.function if found.static else Bound(found.function, value)
    if found is NOTHING and value.strange_bases:
        return site.undecided(f"{name} of a base class of {value.name} that is not given")
    return found


def _of_super(value: Super, name: str, site: Site) -> Value:
    receiver_class = value.receiver.cls if isinstance(value.receiver, Instance) else value.receiver
    order = list(receiver_class.lineage()) if isinstance(receiver_class, ClassValue) else []
    later = order[order.index(value.after) + 1 :] if value.after in order else order
    for cls in later:
        if name in cls.namespace:
            return _bound(cls.namespace[name], value.receiver, cls, site)
    return Native(name, lambda site, *a: None)


def _of_undecided(interpreter: Interpreter, value: Undecided, name: str, site: Site) -> Value:
    if interpreter.library.promote is not None:
        promoted = interpreter.library.promote(value, name, site)
        if isinstance(promoted, Host):
            return promoted.attribute(name, site)
    return Undecided(value.reason, value.span or site.span, value.hole, value.inputs)


def _of_function(value: Function | Native | Bound, name: str) -> Value:
    if name in ("__name__", "__qualname__"):
        inner = value.function if isinstance(value, Bound) else value
        return inner.name if isinstance(inner, Function | Native) else NOTHING
    if isinstance(value, Function):
        return value.attributes.get(name, NOTHING)
    if isinstance(value, Native) and name in value_members(value):
        return value_members(value)[name]
    return NOTHING


def value_members(value: Native) -> dict[str, Value]:
    """Class-like natives (`dict.fromkeys`, `datetime.now`) carry members in their body's `members`."""
    members = getattr(value.body, "members", None)
    return members if isinstance(members, dict) else {}


def _bound(found: Value, receiver: Value, cls: ClassValue, site: Site) -> Value:
    if isinstance(found, Property):
        return site.call(found.getter, receiver)
    if isinstance(found, ClassMethod):
        return found.function if found.static else Bound(found.function, receiver_class(receiver, cls))
    if isinstance(found, Function | Native):
        return Bound(found, receiver)
    return found


def receiver_class(receiver: Value, cls: ClassValue) -> Value:
    """The class that a classmethod gets as its first argument."""
    return receiver.cls if isinstance(receiver, Instance) else receiver if isinstance(receiver, ClassValue) else cls


def set_attribute(interpreter: Interpreter, target: Value, name: str, value: Value, site: Site) -> None:
    """`target.name = value`."""
    if isinstance(target, Instance):
        found = target.cls.find(name)
        if isinstance(found, Property) and found.setter is not None:
            site.call(found.setter, target, value)
            return
        interpreter.journal.touch(target.attributes)
        target.attributes[name] = value
    elif isinstance(target, ClassValue):
        interpreter.journal.touch(target.namespace)
        target.namespace[name] = value
    elif isinstance(target, Function):
        interpreter.journal.touch(target.attributes)
        target.attributes[name] = value
    elif isinstance(target, Host):
        target.set_attribute(name, value, site)


def describe(value: Value) -> str:
    """What a value is called in a message."""
    if isinstance(value, Instance):
        return f"an object of {value.cls.name}"
    if isinstance(value, ClassValue):
        return f"class {value.name}"
    return f"a {type(value).__name__.lower()}"
