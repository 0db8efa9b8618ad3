"""tests/services/registry_questions.py - all that can be asked of a registry, and each of its errors, asked of two in the
same order: each answer must have the same status, the same error code, and say the same.
"""
import collections
import json
import sys

AT_LEAST = 55  # questions answered alike, so many of them by an error:
ERRORS_AT_LEAST = 20


def record(name, *fields):
    return {"schema": json.dumps({"type": "record", "name": name, "fields": list(fields)})}


X = {"name": "x", "type": "int"}
Y = {"name": "y", "type": "int"}
Y_0 = {**Y, "default": 0}
ONE, TWO, OTHER, SAME = record("R", X), record("R", X, Y_0), record("R", Y), record("Q", X)
SPACED = {"schema": "  " + ONE["schema"].replace(":", " :\n ")}
VERSIONS = "/subjects/q-value/versions"
CHECK = "/compatibility/subjects/q-value/versions"

# Where the real one is not as Confluent's is, which ours follows:
TEXTS = "a schema in other white space is another version there"
NO_SUBJECTS = "an id's subjects cannot be asked for there"
LEVELS = "a subject without a level of its own has no code of its own there, and no default is given"
CHECKED = "nothing may follow nothing there"
NUMBERS = "what is no version is one that was not found there"
BROKEN = "what is not understood is a failure of the server there, or of the message"
LOOKED_UP = "a schema that is none is one that was not found there"
STATUS = "the code is the same, the status is 409 there"
PURGED = "what was not deleted is purged there"
HIDDEN = "a deleted subject is still there, and only its schemas are not found"
NO_MODES = "there are no modes there"

# Method, path, body, and why the two differ.
QUESTIONS = [
    ("PUT", "/config", {"compatibility": "BACKWARD"}),
    ("GET", "/config", None),
    ("GET", "/schemas/types", None),
    ("GET", "/schemas/ids/4711", None),
    ("GET", "/schemas/ids/4711/versions", None),
    ("GET", "/schemas/ids/4711/subjects", None, NO_SUBJECTS),
    ("GET", VERSIONS, None),
    ("GET", f"{VERSIONS}/1", None),
    ("GET", f"{VERSIONS}/latest", None),
    ("GET", f"{VERSIONS}/1/schema", None),
    ("POST", "/subjects/q-value", ONE),
    ("DELETE", "/subjects/q-value", None),
    ("DELETE", f"{VERSIONS}/1", None),
    ("GET", "/config/q-value", None, LEVELS),
    ("GET", "/config/q-value?defaultToGlobal=true", None, LEVELS),
    ("DELETE", "/config/q-value", None),
    ("POST", f"{CHECK}/latest", ONE, CHECKED),
    ("POST", f"{CHECK}/7", ONE),
    ("POST", VERSIONS, ONE),
    ("POST", VERSIONS, ONE),
    ("POST", "/subjects/q-spaced/versions", ONE),
    ("POST", "/subjects/q-spaced/versions", SPACED),
    ("POST", "/subjects/q-value", ONE),
    ("POST", "/subjects/q-spaced", SPACED, TEXTS),
    ("POST", "/subjects/q-value", TWO),
    ("GET", f"{VERSIONS}/1", None),
    ("GET", f"{VERSIONS}/latest", None),
    ("GET", f"{VERSIONS}/-1", None),
    ("GET", f"{VERSIONS}/2", None),
    ("GET", f"{VERSIONS}/0", None, NUMBERS),
    ("GET", f"{VERSIONS}/none", None, NUMBERS),
    ("GET", f"{VERSIONS}/2147483648", None, NUMBERS),
    ("GET", f"{VERSIONS}/1/schema", None),
    ("GET", f"{VERSIONS}/9/schema", None),
    ("GET", f"{VERSIONS}/1/referencedby", None),
    ("POST", VERSIONS, OTHER),
    ("POST", f"{CHECK}/latest", OTHER),
    ("POST", f"{CHECK}/1", TWO),
    ("POST", f"{CHECK}/9", TWO),
    ("POST", f"{CHECK}/none", TWO, NUMBERS),
    ("POST", CHECK, OTHER),
    ("POST", CHECK, TWO),
    ("POST", CHECK, {"schema": "{"}),
    ("POST", f"{CHECK}/latest", {"schema": "{"}),
    ("POST", VERSIONS, {"schema": "{"}),
    ("POST", VERSIONS, {"schema": "{}"}),
    ("POST", VERSIONS, {"schema": ""}, BROKEN),
    ("POST", VERSIONS, {"schema": "\"int\"", "schemaType": "NONE"}, BROKEN),
    ("POST", "/subjects/q-value", {"schema": "{"}, LOOKED_UP),
    ("PUT", "/config/q-value", {"compatibility": "FULL"}),
    ("GET", "/config/q-value", None),
    ("POST", VERSIONS, TWO),
    ("GET", VERSIONS, None),
    ("PUT", "/config/q-value", {"compatibility": "SOME"}, BROKEN),
    ("PUT", "/config", {"compatibility": "SOME"}, BROKEN),
    ("PUT", "/config", {}, BROKEN),
    ("PUT", "/config/q-value", {"compatibility": "NONE"}),
    ("POST", f"{CHECK}/latest", OTHER),
    ("POST", VERSIONS, OTHER),
    ("DELETE", "/config/q-value", None),
    ("GET", "/config/q-value", None, LEVELS),
    ("POST", "/subjects/other-value/versions", ONE),
    ("GET", "/subjects/other-value/versions", None),
    ("GET", "/subjects", None),
    ("DELETE", f"{VERSIONS}/9", None),
    ("DELETE", f"{VERSIONS}/none", None, NUMBERS),
    ("DELETE", f"{VERSIONS}/1?permanent=true", None, STATUS),
    ("DELETE", f"{VERSIONS}/1", None),
    ("DELETE", f"{VERSIONS}/1", None, STATUS),
    ("GET", f"{VERSIONS}/1", None),
    ("GET", f"{VERSIONS}/1?deleted=true", None),
    ("GET", VERSIONS, None),
    ("GET", f"{VERSIONS}?deleted=true", None),
    ("POST", "/subjects/q-value", ONE),
    ("DELETE", f"{VERSIONS}/1?permanent=true", None),
    ("GET", f"{VERSIONS}?deleted=true", None),
    ("POST", "/subjects/q-purged/versions", ONE),
    ("DELETE", "/subjects/q-purged?permanent=true", None, PURGED),
    ("DELETE", "/subjects/q-value", None),
    ("DELETE", "/subjects/q-value", None),
    ("GET", VERSIONS, None),
    ("POST", "/subjects/q-value", TWO, HIDDEN),
    ("GET", "/subjects", None),
    ("GET", "/subjects?deleted=true", None),
    ("DELETE", "/subjects/q-value?permanent=true", None),
    ("GET", "/subjects?deleted=true", None),
    ("POST", VERSIONS, SAME),
    ("GET", VERSIONS, None),
    ("DELETE", "/subjects/other-value/versions/latest", None),
    ("GET", "/mode", None, NO_MODES),
    ("PUT", "/mode", {"mode": "SOME"}, NO_MODES),
    ("PUT", "/subjects", {}),
    ("GET", "/nothing", None),
]


def said(status, answer):
    """What an answer says, whatever its ids and the texts that come back."""
    if status >= 400:
        return isinstance(answer, dict) and (answer.get("error_code") or status)
    if isinstance(answer, dict):
        return {key: value for key, value in answer.items()
                if key in ("subject", "version", "is_compatible", "compatibility", "compatibilityLevel", "type")}
    if isinstance(answer, list):
        return sorted(one for one in answer if not isinstance(one, str) or one.startswith(("q-", "other-")))
    return answer


def ask(theirs, ours):
    alike, errors, wrong = 0, 0, []
    for method, path, body, *why in QUESTIONS:
        a, b = theirs.ask(method, path, body), ours.ask(method, path, body)
        same = (a[0], said(*a)) == (b[0], said(*b))
        alike += same
        errors += same and a[0] >= 400
        if same == bool(why):
            wrong.append(f"{method} {path} {body or ''} {why}\n  theirs: {a}\n  ours: {b}")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{alike} questions answered alike, {errors} of them by an error; otherwise, for reasons that are stated:")
    for reason, count in collections.Counter(q[3] for q in QUESTIONS if len(q) > 3).items():
        print(f"{count} {reason}")
    if alike < AT_LEAST or errors < ERRORS_AT_LEAST:
        sys.exit(f"at least {AT_LEAST} wanted, {ERRORS_AT_LEAST} of them errors")
