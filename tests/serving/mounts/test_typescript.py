"""The committed TypeScript types are those of the OpenAPI document."""

import shutil
import subprocess
from pathlib import Path

import pytest

from serving.mounts.typescript import typescript

TYPES = Path(__file__).parents[3] / "serving" / "client.d.ts"


def test_the_committed_types_are_current(service) -> None:
    written = typescript(service.pages.state.openapi())
    assert written == TYPES.read_text(encoding="utf-8"), "write them again: python -m serving typescript"


def test_every_kind_of_shape_has_a_type() -> None:
    shapes = {
        "Kind": {"enum": ["a", "b", 1]},
        "Thing": {
            "description": "A thing\n  of */ several lines.",
            "properties": {
                "pair": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "string"}]},
                "many": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
                "by name": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Kind"}},
                "open": {"type": "object"},
                "any": {},
                "bounded": {"type": "number", "minimum": 0, "description": "How much."},
            },
            "required": ["pair"],
        },
    }
    found = typescript({"components": {"schemas": shapes}, "paths": {}})
    for line in (
        'export type Kind = "a" | "b" | 1;',
        "/** A thing of * / several lines. */",
        "  pair: [number, string];",
        "  many?: (number | null)[];",
        '  "by name"?: Record<string, Kind>;',
        "  open?: Record<string, unknown>;",
        "  any?: unknown;",
        "  /** How much. [minimum 0] */",
        "  bounded?: number;",
    ):
        assert line in found.splitlines()


def test_the_types_are_typescript(tmp_path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    script = "process.exit('stripTypeScriptTypes' in require('node:module') ? 0 : 1)"
    if subprocess.run([node, "-e", script], check=False).returncode:
        pytest.skip("this node does not read TypeScript")
    strip = "require('node:module').stripTypeScriptTypes(require('node:fs').readFileSync(process.argv[1], 'utf8'))"
    done = subprocess.run([node, "-e", strip, str(TYPES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
