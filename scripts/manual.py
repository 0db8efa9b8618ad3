#!/usr/bin/env python3
"""scripts/manual.py - docs/configuration.md, docs/language.md, docs/tapedeck.schema.json, the grammar in docs/editors and
the words of web/keywords.json say what the program's rows say:
manual.py PROGRAM writes them anew, manual.py PROGRAM --check fails where they are stale.
"""
import json
import pathlib
import subprocess
import sys

DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"


def ask(program, *words):
    return subprocess.run([program, "help", *words], stdout=subprocess.PIPE, text=True, check=True).stdout


def ask_json(program, *words):
    return json.dumps(json.loads(ask(program, *words)), indent=1, ensure_ascii=False) + "\n"


def replace(text, name, content):
    """Puts content between the two comments of that name."""
    begin, end = f"<!-- {name}: made by `make docs` -->\n", f"<!-- end of {name} -->"
    head, rest = text.split(begin)
    return head + begin + content.rstrip("\n") + "\n\n" + end + rest.split(end)[1]


def main():
    program, check = sys.argv[1], "--check" in sys.argv[2:]
    page = DOCS / "configuration.md"
    text = replace(page.read_text(encoding="utf-8"), "keys", ask(program, "--markdown"))
    text = replace(text, "exit codes", ask(program, "--exit-codes"))
    language = DOCS / "language.md"
    functions = replace(language.read_text(encoding="utf-8"), "functions", ask(program, "--functions"))
    stale = False
    for path, wanted in ((page, text), (language, functions),
                         (DOCS / "tapedeck.schema.json", ask_json(program, "--json-schema")),
                         (DOCS / "editors" / "tapedeck.tmLanguage.json", ask_json(program, "--grammar")),
                         (DOCS.parent / "web" / "keywords.json", ask_json(program, "--words"))):
        if path.exists() and path.read_text(encoding="utf-8") == wanted:
            continue
        if check:
            print(f"{path.relative_to(DOCS.parent)} is not what the program says: run `make docs`")
            stale = True
        else:
            path.write_text(wanted, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
