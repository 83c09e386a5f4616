"""Checks the OpenAPI document on standard input with openapi-spec-validator: exit code 0, or 1 and what is wrong."""

import json
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator

document = json.load(sys.stdin)
if not document["openapi"].startswith("3.1."):
    sys.exit(f"not OpenAPI 3.1 but {document['openapi']}")
errors = list(OpenAPIV31SpecValidator(document).iter_errors())
for error in errors:
    print(f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
sys.exit(1 if errors else 0)
