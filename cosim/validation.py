"""One readable line from a pydantic ValidationError."""

import difflib
from collections.abc import Iterable
from types import NoneType
from typing import Annotated, Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError


def first_error(error: ValidationError, model: type[BaseModel], section: str = "") -> str:
    """One error as `key.path must be ..., not ...`: an unknown key, with the nearest, or the first.

    `section` is the name of the table that `model` describes, if it is not a whole file.
    """
    # A misspelt key also makes the right one missing: the former is what helps.
    errors = error.errors(include_url=False)
    details = next((item for item in errors if item["type"] == "extra_forbidden"), errors[0])
    location, kind = details["loc"], details["type"]
    key = ".".join(str(part) for part in ((section, *location) if section else location))
    if kind == "extra_forbidden":
        return f"unknown key {key}{_suggestion(location, model)}"
    if kind == "missing":
        return f"key {key} is missing"
    if kind == "value_error":
        message = str(details["ctx"]["error"])
        return f"{key}: {message}" if key else message
    message = details["msg"].replace("Input should be", "must be", 1)
    return f"{key} {message}, not {_shown(details['input'])}"


def key_error(model: type[BaseModel], key: str, value: Any) -> str | None:
    """What is wrong with a dotted key of `model` or its value by itself, in one line, or None.

    Values that are tables or lists are left to the validation of the whole.
    """
    *path, last = key.split(".")
    for depth, part in enumerate((*path, last)):
        if part not in _section_at(model, path[:depth]).model_fields:
            unknown = ".".join([*path, last][: depth + 1])
            return f"unknown key {unknown}{_suggestion((*path[:depth], part), model)}"
    if isinstance(value, dict | list):
        return None
    field = _section_at(model, path).model_fields[last]
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, field])  # type: ignore[arg-type]
        adapter.validate_python(value, strict=True)
    except ValidationError as error:
        return first_error(error, model, key)
    return None


def _suggestion(location: Iterable[Any], model: type[BaseModel]) -> str:
    *path, unknown = location
    known = list(_section_at(model, path).model_fields)
    near = difflib.get_close_matches(str(unknown), known, n=1)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; must be one of {', '.join(known)}"


def _section_at(model: type[BaseModel], path: Iterable[Any]) -> type[BaseModel]:
    """The model of the table at `path`; list indices in the path are passed over."""
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            annotation = model.model_fields[part].annotation
            candidates = [annotation, *get_args(annotation)]
            for candidate in candidates:
                if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                    model = candidate
    return model


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    return "nothing" if isinstance(value, NoneType) else repr(value)
