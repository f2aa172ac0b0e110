"""What a record may say: every kind, field by field."""

from __future__ import annotations

import typing

import msgspec
import pytest
from msgspec import inspect

from lfrd.audit import kinds
from lfrd.audit.kinds import AnyBody, Body
from lfrd.policy.plan import Plan

KINDS: tuple[type[Body], ...] = typing.get_args(AnyBody)

FORBIDDEN = (
    "template", "embedding", "vector", "picture", "image", "jpeg", "pixels", "crop", "face", "probe",
    "candidate", "nominal", "reference", "sought", "wanted", "box", "landmark", "token", "password",
    "secret", "address",
)  # fmt: skip
"""Words that no field's name may hold, unless it only counts."""

TEXTS = {
    "actor", "alert", "arrest_class", "authorised_by", "camera", "category", "change", "code", "deployment",
    "detail", "digest", "kind", "method", "model", "name", "need", "pack", "part", "passage", "path",
    "problem", "public_key", "rank", "reason", "receipt", "recipient", "role", "rule", "scope", "session",
    "site", "source", "subject", "user", "version", "why",
}  # fmt: skip
"""Fields that hold words. A new one is argued for here: can it hold who was sought, or whom it was?"""


def fields(kind: type) -> list[inspect.Field]:
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return list(described.fields)


def sample(kind: inspect.Type) -> object:
    """A value of this type, with letters that a careless encoder would spoil."""
    match kind:
        case inspect.StrType():
            return 'Ådams "12"\n'
        case inspect.IntType():
            return 7
        case inspect.FloatType():
            return 0.1
        case inspect.BoolType():
            return True
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.DictType(value_type=value):
            return {"key": sample(value)}
        case inspect.ListType(item_type=item):
            return [sample(item)]
        case inspect.UnionType(types=types):
            return sample(types[0])
        case inspect.AnyType():
            return None
    raise AssertionError(f"an audit record holds no {kind}")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_record_is_read_back_as_it_was_written(kind: type[Body]) -> None:
    body = kind(**{field.name: sample(field.type) for field in fields(kind)})
    text = msgspec.json.encode(body)
    assert kinds.decode(text) == body
    assert msgspec.json.encode(kinds.decode(text)) == text


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_audit_holds_no_biometrics_and_no_sought_persons(kind: type[Body]) -> None:
    for field in fields(kind):
        assert not isinstance(field.type, inspect.BytesType | inspect.ByteArrayType | inspect.MemoryViewType)
        if isinstance(field.type, inspect.IntType | inspect.FloatType | inspect.BoolType):
            continue  # a number of pictures shows none; a template is no single number
        assert not [word for word in FORBIDDEN if word in field.name], field.name
        if isinstance(field.type, inspect.StrType):
            assert field.name in TEXTS, f"{kind.__name__}.{field.name}: argue for it in this test's table"
        numbers = isinstance(field.type, inspect.ListType) and isinstance(
            field.type.item_type, inspect.FloatType | inspect.IntType
        )
        assert not numbers, f"{field.name}: a list of numbers could be a template"


def test_a_plan_that_the_audit_keeps_has_no_field_for_sought_persons() -> None:
    for field in fields(Plan):
        assert not [word for word in FORBIDDEN if word in field.name], field.name


def test_every_kind_has_a_name_of_its_own() -> None:
    names = [kind.__struct_config__.tag for kind in KINDS]
    assert len(set(names)) == len(names)


def test_every_kind_that_is_defined_can_be_recorded() -> None:
    defined = {kind for kind in vars(kinds).values() if isinstance(kind, type) and issubclass(kind, Body)}
    assert defined - {Body} == set(KINDS)


def test_a_record_with_more_fields_than_its_kind_has_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        kinds.decode('{"what":"made_ready","deployment":"d1","template":[0.1]}')
