#!/bin/sh
# scripts/check_python.sh - the rules of ruff.toml, for all Python.
set -eu
REQUIREMENTS=scripts/requirements.txt scripts/python.sh -m ruff check --quiet --no-cache --output-format concise .
