"""Judges requests to and answers from Flock's API v3 by its published OpenAPI file.

Usable from any test: put this folder on `sys.path` (or load the file by its path), then

    judge = FlockOpenApi.load()                      # needs the file: see `needs_openapi`
    judge.check_request("POST", "/reads/lookup", body={...})
    judge.check_answer("POST", "/reads/lookup", 200, {...})

Both raise AssertionError that names the place. Requests are judged more strictly than the file asks: a field
or query parameter that it does not name is a mistake of ours. `KNOWN_DEFECTS` lists where the file contradicts
itself; only those places are mended, and `test_sandbox_flock_wire.py` proves that each defect is still there.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

VENDORS = Path(__file__).resolve().parents[3].parent / "shared" / "vendors"
OPENAPI = VENDORS / "flock-openapi-v3.yml"
ALERTS = VENDORS / "flock-alerts-asyncapi.yml"

needs_openapi = pytest.mark.skipif(
    not OPENAPI.exists(), reason="Flock's OpenAPI file is not part of the repository; it is expected in ../shared"
)

# schema: the properties that it requires although they are not among its properties (Device: which it lacks in
# its own published example)
REQUIRED_WITHOUT_PROPERTY = {
    "GetHotlistEntriesResponse": ("id", "name", "organizationId"),
    "Hotlist": ("organizationId",),
    "Device": ("network", "metadata"),
}
# schema: the properties that it calls objects although their example is a time as text
TIMES_CALLED_OBJECTS = {"Device": ("createdAt", "modifiedAt")}
# parts that the paths refer to and that the file does not contain
ABSENT_PARTS = ("parameters", "responses", "examples")
KNOWN_DEFECTS = {
    "required without property": REQUIRED_WITHOUT_PROPERTY,
    "times called objects": TIMES_CALLED_OBJECTS,
    "absent parts": ABSENT_PARTS,
}

_formats = FormatChecker(formats=("uuid",))


@_formats.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True)
class FlockOpenApi:
    """The file, with its known defects mended."""

    document: dict[str, Any]

    @classmethod
    def load(cls) -> FlockOpenApi:
        """Read the file and mend it."""
        document = yaml.safe_load(OPENAPI.read_text(encoding="utf-8"))
        schemas = document["components"]["schemas"]
        for name, absent in REQUIRED_WITHOUT_PROPERTY.items():
            schemas[name]["required"] = [one for one in schemas[name]["required"] if one not in absent]
        for name, times in TIMES_CALLED_OBJECTS.items():
            for time in times:
                schemas[name]["properties"][time] = {"type": "string", "format": "date-time"}
        return cls(document)

    def check_request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
    ) -> None:
        """Judge a request; `path` is relative to `/api/v3`, but for `/oauth/token`."""
        operation = self._operation(method, path)
        named = {one["name"]: one["schema"] for one in operation.get("parameters", ()) if one.get("in") == "query"}
        unknown = set(query or {}) - set(named)
        assert not unknown, f"{method} {path}: query parameters that do not exist: {sorted(unknown)}"
        for name, text in (query or {}).items():
            self._judge(_typed(text, named[name]), named[name], f"{method} {path}?{name}", strict=True)
        content = operation.get("requestBody", {}).get("content", {})
        if form is not None:
            self._judge(
                form, content["application/x-www-form-urlencoded"]["schema"], f"{method} {path} form", strict=True
            )
        elif "application/json" in content:
            self._judge(body, content["application/json"]["schema"], f"{method} {path} body", strict=True)
        else:
            assert body is None, f"{method} {path} takes no body"

    def check_answer(self, method: str, path: str, status: int, body: Any = None) -> None:
        """Judge an answer: its status must be documented, and its body fit, where a schema is given."""
        responses = self._operation(method, path)["responses"]
        assert str(status) in responses, f"{method} {path}: status {status} is not documented"
        response = responses[str(status)]
        if set(response.get("$ref", "").split("/")) & set(ABSENT_PARTS):
            return
        schema = response.get("content", {}).get("application/json", {}).get("schema")
        if schema is not None:
            self._judge(body, schema, f"{method} {path} answer {status}", strict=False)

    def check_schema(self, name: str, value: Any, *, strict: bool = False) -> None:
        """Judge a value by one of the file's schemas."""
        self._judge(value, {"$ref": f"#/components/schemas/{name}"}, name, strict=strict)

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        parts = path.strip("/").split("/")
        for template, operations in self.document["paths"].items():
            names = template.strip("/").split("/")
            fits = len(names) == len(parts) and all(
                name == part or (name.startswith("{") and part) for name, part in zip(names, parts, strict=True)
            )
            if fits and method.lower() in operations:
                found: dict[str, Any] = operations[method.lower()]
                return found
        raise AssertionError(f"{method} {path} is not in the file")

    def _judge(self, value: Any, schema: dict[str, Any], place: str, *, strict: bool) -> None:
        components = deepcopy(self.document["components"]["schemas"])
        whole = _converted({**schema, "components": {"schemas": components}}, strict=strict)
        errors = [
            f"{place}/{'/'.join(map(str, error.absolute_path))}: {error.message}"
            for error in Draft202012Validator(whole, format_checker=_formats).iter_errors(value)
        ]
        assert not errors, "\n".join(errors)


def alert_schema() -> dict[str, Any]:
    """The schema of a hot-list alert, as published (it is JSON Schema already)."""
    found: dict[str, Any] = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["components"]["schemas"][
        "LprHotlistAlert"
    ]
    return found


def check_alert(body: Any) -> None:
    """Judge the body of an alert webhook, strictly: no field that the schema does not name."""
    schema = _converted(alert_schema(), strict=True)
    errors = [error.message for error in Draft202012Validator(schema, format_checker=_formats).iter_errors(body)]
    assert not errors, "\n".join(errors)


def _converted(schema: Any, *, strict: bool, inside_all_of: bool = False) -> Any:
    """OpenAPI 3.0 as JSON Schema 2020-12: `nullable` becomes a type, and strict ones close their objects.

    Parts of an allOf stay open, since each knows only its own properties; what combines them is closed.
    """
    if isinstance(schema, list):
        return [_converted(one, strict=strict, inside_all_of=inside_all_of) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {}
    for key, value in schema.items():
        if key in ("example", "examples", "default", "enum", "required"):
            made[key] = value
        elif key == "schemas":
            # Referred to from an allOf as well, so a closed schema keeps its open form under another name.
            made[key] = {name: _converted(one, strict=strict) for name, one in value.items()}
            made[key] |= {
                f"{name}.open": _converted(one, strict=strict, inside_all_of=True) for name, one in value.items()
            }
        elif key == "$ref" and inside_all_of:
            made[key] = f"{value}.open"
        else:
            made[key] = _converted(value, strict=strict, inside_all_of=key == "allOf")
    if made.pop("nullable", False) and "type" in made:
        made["type"] = [made["type"], "null"]
    if strict and not inside_all_of and ("allOf" in made or "properties" in made) and "type" in made:
        made["unevaluatedProperties"] = False
    return made


def _typed(text: str, schema: dict[str, Any]) -> Any:
    if schema.get("type") in ("number", "integer"):
        try:
            return int(text) if schema["type"] == "integer" else float(text)
        except ValueError:
            return text
    return text
