"""What a read says beyond the columns of its row, as JSON."""

from functools import lru_cache
from typing import Any, Final

import msgspec
from pydantic import BaseModel

from normalize.read import Read
from normalize.word import Word

_DETAILS: Final = tuple(
    (name, Read.model_fields[name].default)
    for name in (
        *("pass_id", "state", "country", "confidence_scale", "candidates", "vehicle", "matches", "link", "engine"),
        *("damaged", "direction", "direction_of", "grade"),
    )
)
"""What a read may say beyond the columns of its row, each with the value that stands for saying nothing."""


def details_of(read: Read) -> bytes:
    """What a read says beyond its columns, as JSON (pydantic's own way to it takes longer)."""
    values = vars(read)
    changed = {name: value for name, default in _DETAILS if (value := values[name]) is not default}
    if read.country.said is None:  # nobody said it: it follows from the state, and the row has it
        changed.pop("country", None)
    return msgspec.json.encode(changed, enc_hook=_plain)


def _plain(model: Any) -> Any:
    """The fields of a model that differ from saying nothing; of a word, of which many reads share few, as JSON."""
    if isinstance(model, Word):
        return _word(model)
    if not isinstance(model, BaseModel):
        raise TypeError(f"no JSON for {type(model).__name__}")
    return _differs(model)


@lru_cache(maxsize=8192)
def _word(word: Word) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(_differs(word)))


def _differs(model: BaseModel) -> dict[str, Any]:
    defaults = _defaults(type(model))
    return {name: value for name, value in vars(model).items() if value is not defaults[name]}


@lru_cache
def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    return {name: field.default for name, field in model.model_fields.items()}
