"""Seeded Avro schemas of all types, changes of them of every kind, and values as bytes.

A Schema keeps its types with names apart and writes each where it comes first, so that any change leaves a schema that
can be parsed. A type is a word, a dict of one kind ("array", "map", "union", "ref", "logical"), never JSON itself.
"""
import copy
import json
import random
import struct

PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
LOGICAL = {
    "date": "int", "time-millis": "int", "time-micros": "long", "timestamp-millis": "long", "timestamp-micros": "long",
    "timestamp-nanos": "long", "local-timestamp-millis": "long", "local-timestamp-micros": "long",
    "local-timestamp-nanos": "long", "uuid": "string", "decimal": "bytes",
}
PROMOTIONS = {"int": ["long", "float", "double"], "long": ["float", "double"], "float": ["double"],
              "string": ["bytes"], "bytes": ["string"]}
SPACES = [[""], ["m", "m.x", "n.y"]]  # from within a namespace no name without one can be referred to


class Endless(Exception):
    """A record's default would hold itself."""


class Schema:
    def __init__(self, rng):
        self.rng = rng
        self.spaces = rng.choice(SPACES)
        self.named = {}  # key: definition; a key stays when the name changes
        self.count = 0
        kinds = ["record"] * 6 + ["enum", "fixed", "array", "map", "union", "primitive", "logical"]
        self.root = self.new_type(0, kinds)

    # ---- making one ----

    def new_name(self, letter):
        self.count += 1
        return f"{letter}{self.count}"

    def new_type(self, depth, kinds=None):
        kinds = kinds or ["primitive"] * 6 + ["logical"] * 3 + ["enum", "fixed", "again", "again"] + (
            ["record", "array", "map", "union", "union"] if depth < 4 else [])
        return getattr(self, "new_" + self.rng.choice(kinds))(depth)

    def new_primitive(self, _depth):
        return self.rng.choice(PRIMITIVES)

    def new_logical(self, _depth):
        word = self.rng.choice(sorted(LOGICAL))
        return {"logical": word, "base": LOGICAL[word], **self.new_decimal(word)}

    def new_decimal(self, word):
        precision = self.rng.randint(4, 9)
        return {"precision": precision, "scale": self.rng.randint(0, 4)} if word == "decimal" else {}

    def new_array(self, depth):
        return {"array": self.new_type(depth + 1)}

    def new_map(self, depth):
        return {"map": self.new_type(depth + 1)}

    def new_union(self, depth):
        branches = [] if self.rng.random() < 0.4 else ["null"]
        for _ in range(self.rng.randint(1, 4)):
            self.add_branch(branches, self.new_type(depth + 1))
        return {"union": branches or ["long"]}

    def add_branch(self, branches, new):
        if "union" not in new and self.tell(new) not in [self.tell(branch) for branch in branches]:
            branches.append(new)

    def tell(self, kind):
        """What a union may hold but once."""
        if isinstance(kind, str):
            return kind
        return kind.get("base") or kind.get("ref") or next(iter(kind))

    def define(self, letter, **definition):
        key = self.new_name(letter)
        self.named[key] = {"name": key, "space": self.rng.choice(self.spaces), "aliases": [], **definition}
        return key

    def new_enum(self, _depth):
        symbols = [f"S{i}" for i in range(self.rng.randint(1, 4))]
        default = self.rng.choice(symbols) if self.rng.random() < 0.4 else None
        return {"ref": self.define("E", type="enum", symbols=symbols, default=default)}

    def new_fixed(self, _depth):
        size, logical = self.rng.choice([(4, None), (1, None), (12, "duration"), (16, "uuid"), (8, "decimal")])
        return {"ref": self.define("F", type="fixed", size=size, logical=logical, **self.new_decimal(logical))}

    def new_again(self, depth):
        """A type that exists; of a record only where its values can end."""
        known = [key for key, d in self.named.items() if d["type"] != "record"]
        records = [key for key, d in self.named.items() if d["type"] == "record"]
        if records and self.rng.random() < 0.4:
            ref = {"ref": self.rng.choice(records)}
            return self.rng.choice([{"array": ref}, {"map": ref}, {"union": ["null", ref]}])
        return {"ref": self.rng.choice(known)} if known else self.new_primitive(depth)

    def new_record(self, depth):
        key = self.define("R", type="record", fields=[])
        for _ in range(self.rng.randint(0 if depth else 1, 4)):
            self.named[key]["fields"].append(self.new_field(depth, self.rng.random() < 0.3))
        return {"ref": key}

    def new_field(self, depth, default):
        return {"name": self.new_name("f"), "type": self.new_type(depth + 1), "default": default, "aliases": []}

    # ---- writing it ----

    def full(self, key):
        d = self.named[key]
        return f"{d['space']}.{d['name']}" if d["space"] else d["name"]

    def text(self):
        return json.dumps(self.json(self.root, set()), separators=(",", ":"))

    def json(self, kind, done):
        if isinstance(kind, str):
            return kind
        if "array" in kind:
            return {"type": "array", "items": self.json(kind["array"], done)}
        if "map" in kind:
            return {"type": "map", "values": self.json(kind["map"], done)}
        if "union" in kind:
            return [self.json(branch, done) for branch in kind["union"]]
        if "logical" in kind:
            return {"type": kind["base"], "logicalType": kind["logical"],
                    **{k: kind[k] for k in ("precision", "scale") if k in kind}}
        if kind["ref"] in done:
            return self.full(kind["ref"])
        done.add(kind["ref"])
        return self.named_json(self.named[kind["ref"]], done)

    def named_json(self, d, done):
        out = {"type": d["type"], "name": d["name"], "namespace": d["space"]}
        if d["aliases"]:
            out["aliases"] = d["aliases"]
        if d["type"] == "enum":
            out["symbols"] = d["symbols"]
            if d["default"]:
                out["default"] = d["default"]
        elif d["type"] == "fixed":
            out["size"] = d["size"]
            if d["logical"]:
                out |= {"logicalType": d["logical"], **{k: d[k] for k in ("precision", "scale") if k in d}}
        else:
            out["fields"] = [self.field_json(field, done) for field in d["fields"]]
        return out

    def field_json(self, field, done):
        out = {"name": field["name"], "type": self.json(field["type"], done)}
        if field["aliases"]:
            out["aliases"] = field["aliases"]
        if field["default"]:
            try:
                out["default"] = self.default(field["type"], field["name"], frozenset())
            except Endless:
                pass
        return out

    def default(self, kind, name, inside):
        """The same for the same field and type; a union's is of its first branch, and may have none."""
        rng = random.Random(f"{name} {json.dumps(kind)}")
        if isinstance(kind, str) or "logical" in kind:
            return {"null": None, "boolean": rng.random() < 0.5, "int": rng.randint(-9, 9),
                    "long": rng.randint(0, 1 << 40), "float": rng.randint(-9, 9) / 4,
                    "double": rng.randint(-9, 9) / 8, "bytes": "\u00ff\u0001",
                    "string": "zu\u00e9"}[kind if isinstance(kind, str) else kind["base"]]
        if "union" in kind:
            return self.default(kind["union"][0], name, inside)
        if "ref" not in kind:
            value = next(iter(kind.values()))
            empty = inside & self.reach(value, set()) or rng.random() < 0.3
            items = [] if empty else [self.default(value, name, inside)]
            return items if "array" in kind else dict(zip(["k"], items))
        d = self.named[kind["ref"]]
        if d["type"] == "enum":
            return d["symbols"][0]
        if d["type"] == "fixed":
            return "\u0080" * d["size"]
        if kind["ref"] in inside:
            raise Endless
        inside = inside | {kind["ref"]}
        return {f["name"]: self.default(f["type"], f["name"], inside) for f in d["fields"]}

    def reach(self, kind, seen):
        for inner, _, _ in parts(kind):
            self.reach(inner, seen)
        if not isinstance(kind, str) and kind.get("ref") and kind["ref"] not in seen:
            seen.add(kind["ref"])
            for field in self.named[kind["ref"]].get("fields", []):
                self.reach(field["type"], seen)
        return seen

    def recursive(self):
        """Whether a record may hold one of its own kind."""
        fields = {key: d.get("fields", []) for key, d in self.named.items()}
        return any(key in self.reach(f["type"], set()) for key in fields for f in fields[key])

    def ends(self, kind, inside=frozenset()):
        """Whether a value of it can be finite."""
        if isinstance(kind, str) or "ref" not in kind:
            return any(self.ends(b, inside) for b in kind["union"]) if "union" in kind else True
        fields = self.named[kind["ref"]].get("fields", [])
        return kind["ref"] not in inside and all(self.ends(f["type"], inside | {kind["ref"]}) for f in fields)

    # ---- values ----

    def value(self, rng, kind=None, depth=0):
        """The bytes of a random value."""
        kind = self.root if kind is None else kind
        if isinstance(kind, str) or "logical" in kind:
            return primitive(rng, kind if isinstance(kind, str) else kind["base"])
        if "union" in kind:
            branches = kind["union"]
            index = rng.randrange(len(branches))
            if depth > 6:  # towards an end
                index = min(range(len(branches)), key=lambda i: len(self.reach(branches[i], set())))
            return long(index) + self.value(rng, branches[index], depth + 1)
        if "ref" not in kind:
            return self.blocks(rng, kind, depth)
        d = self.named[kind["ref"]]
        if d["type"] == "enum":
            return long(rng.randrange(len(d["symbols"])))
        if d["type"] == "fixed":
            return rng.randbytes(d["size"])
        return b"".join(self.value(rng, field["type"], depth + 1) for field in d["fields"])

    def blocks(self, rng, kind, depth):
        """Elements in blocks, of which some say their size."""
        out = b""
        inner = next(iter(kind.values()))
        for _ in range(0 if depth > 6 else rng.choice([0, 1, 1, 2])):
            items = [(string(rng.choice("abc") * rng.randint(0, 9)) if "map" in kind else b"") +
                     self.value(rng, inner, depth + 1) for _ in range(rng.randint(1, 3))]
            body = b"".join(items)
            out += (long(-len(items)) + long(len(body)) if rng.random() < 0.3 else long(len(items))) + body
        return out + long(0)


def parts(kind):
    """The types directly inside, each with its place: (type, container, key)."""
    if isinstance(kind, str):
        return []
    if "union" in kind:
        return [(branch, kind["union"], i) for i, branch in enumerate(kind["union"])]
    return [(kind[k], kind, k) for k in ("array", "map") if k in kind]


def long(v):
    z, out = v << 1 ^ v >> 63, bytearray()
    z &= (1 << 64) - 1
    while z > 0x7F:
        out.append(z & 0x7F | 0x80)
        z >>= 7
    return bytes(out + bytes([z]))


def string(text):
    return long(len(text.encode())) + text.encode()


def primitive(rng, base):
    if base in ("int", "long"):
        bits = rng.randint(0, 31 if base == "int" else 63)
        return long(rng.choice([-1, 1]) * rng.getrandbits(bits))
    if base == "float":
        return struct.pack("<f", rng.choice([0.0, -1.5, 3e38, rng.uniform(-9, 9)]))
    if base == "double":
        return struct.pack("<d", rng.choice([0.0, -1.5, 1e300, rng.uniform(-9, 9)]))
    if base == "bytes":  # text that is UTF-8, mostly: it may be promoted
        return string("b\u00e9" * rng.randint(0, 5)) if rng.random() < 0.9 else long(3) + b"\xff\x80a"
    if base == "string":
        return string("\u00e9\u20acx" * rng.randint(0, 5))
    return bytes([rng.randrange(2)]) if base == "boolean" else b""


# ---- changes ----

def places(schema):
    """Where a type stands: (container, key)."""
    out, seen = [], set()

    def visit(container, key):
        out.append((container, key))
        kind = container[key]
        for _, inner, k in parts(kind):
            visit(inner, k)
        if not isinstance(kind, str) and kind.get("ref") and kind["ref"] not in seen:
            seen.add(kind["ref"])
            for field in schema.named[kind["ref"]].get("fields", []):
                visit(field, "type")

    visit(schema.__dict__, "root")
    return out


def used(schema, kind):
    reached = sorted(schema.reach(schema.root, set()))
    return [schema.named[key] for key in reached if schema.named[key]["type"] == kind]


def pick(rng, things):
    """None where there is nothing to choose from: the change does not apply."""
    return rng.choice(things) if things else None


def field_change(change):
    def apply(schema, rng):
        record = pick(rng, [r for r in used(schema, "record") if r["fields"]])
        return record is not None and change(schema, rng, record, rng.randrange(len(record["fields"]))) is not False
    return apply


def type_change(wanted, change):
    def apply(schema, rng):
        place = pick(rng, [(c, k) for c, k in places(schema) if wanted(c[k])])
        return place is not None and change(schema, rng, *place) is not False
    return apply


def named_change(kinds, change):
    def apply(schema, rng):
        d = pick(rng, [d for kind in kinds for d in used(schema, kind)])
        return d is not None and change(schema, rng, d) is not False
    return apply


def add_field(default):
    def change(schema, rng, record, at):
        record["fields"].insert(at + rng.randrange(2), schema.new_field(3, default))
    return field_change(change)


def rename_field(alias):
    def change(schema, _rng, record, at):
        field = record["fields"][at]
        old, field["name"] = field["name"], schema.new_name("g")
        field["aliases"] = [old] if alias else []
    return field_change(change)


def rename_type(alias, space):
    def change(schema, rng, d):
        old = schema.full(next(key for key, other in schema.named.items() if other is d))
        if space:
            if d["space"] == "" and len(schema.reach(schema.root, set())) > 1:
                return False
            d["space"] = rng.choice([s for s in SPACES[1] if s != d["space"]])
        else:
            d["name"] = schema.new_name("N")
        d["aliases"] = [old] if alias else []
        return not alias or "." in old or not d["space"]  # an alias without dots would be of the new namespace
    return named_change(["record", "enum", "fixed"], change)


def set_item(container, key, new):
    container[key] = new


def union_change(change):
    return type_change(lambda kind: "union" in kind and not isinstance(kind, str), change)


def widen(schema, rng, container, key):
    branches = container[key]["union"]
    before = len(branches)
    schema.add_branch(branches, schema.new_type(3))
    if rng.random() < 0.5:
        branches.insert(0, branches.pop())
    return len(branches) > before


def narrow(_schema, rng, container, key):
    branches = container[key]["union"]
    return len(branches) > 1 and branches.pop(rng.randrange(len(branches))) is not None


def wrap(_schema, rng, container, key):
    kind = container[key]
    if kind == "null" or isinstance(container, list):  # a union in a union is none
        return False
    container[key] = {"union": rng.choice([["null", kind], [kind, "null"], [kind]])}
    return True


def not_in_union(change):
    def apply(schema, rng, container, key):
        return not isinstance(container, list) and change(schema, rng, container, key) is not False
    return apply


def retype(words):
    def change(schema, rng, container, key):
        new = words(container[key])
        if isinstance(container, list) and any(schema.tell(other) == new for other in container):
            return False
        container[key] = rng.choice(new) if isinstance(new, list) else new
        tellings = [schema.tell(other) for other in container] if isinstance(container, list) else []
        return len(tellings) == len(set(tellings))
    return change


def demote(kind):
    return [word for word in PROMOTIONS if kind in PROMOTIONS[word]] or ["null"]


def logical_on(kind):
    fits = [{"logical": word, "base": base} for word, base in LOGICAL.items() if base == kind and word != "decimal"]
    return fits or [{"logical": "decimal", "base": "bytes", "precision": 6, "scale": 2}]


def scale(_schema, rng, container, key):
    container[key] = container[key] | rng.choice([{"scale": container[key]["scale"] + 1}, {"precision": 12}])
    return container[key]["scale"] <= container[key]["precision"]


def symbols(change):
    def apply(schema, rng, d):
        change(schema, rng, d)
        if d["default"] not in d["symbols"]:
            d["default"] = None
        return bool(d["symbols"])
    return named_change(["enum"], apply)


def is_primitive(kind):
    return isinstance(kind, str)


def is_logical(kind):
    return not isinstance(kind, str) and "logical" in kind


CHANGES = {
    "none": lambda _schema, _rng: True,
    "field added with default": add_field(True),
    "field added without default": add_field(False),
    "field removed": field_change(lambda _s, _r, record, at: record["fields"].pop(at) and True),
    "field renamed": rename_field(False),
    "field renamed with alias": rename_field(True),
    "fields reordered": field_change(lambda _s, rng, record, _at: rng.shuffle(record["fields"])),
    "default added": field_change(lambda _s, _r, record, at: record["fields"][at].update(default=True)),
    "default removed": field_change(lambda _s, _r, record, at: record["fields"][at].update(default=False)),
    "promoted": type_change(lambda kind: is_primitive(kind) and kind in PROMOTIONS, retype(PROMOTIONS.get)),
    "demoted": type_change(lambda kind: kind in ("long", "float", "double"), retype(demote)),
    "another primitive": type_change(is_primitive, retype(lambda kind: [w for w in PRIMITIVES if w != kind])),
    "another type": type_change(lambda _kind: True, not_in_union(lambda s, _r, c, k: set_item(c, k, s.new_type(3)))),
    "union widened": union_change(widen),
    "union narrowed": union_change(narrow),
    "union reordered": union_change(lambda _s, rng, c, k: rng.shuffle(c[k]["union"])),
    "union unwrapped": union_change(not_in_union(lambda _s, rng, c, k: set_item(c, k, rng.choice(c[k]["union"])))),
    "wrapped in a union": type_change(lambda kind: isinstance(kind, str) or "union" not in kind, wrap),
    "symbol added": symbols(lambda s, rng, d: d["symbols"].insert(rng.randint(0, len(d["symbols"])), s.new_name("T"))),
    "symbol removed": symbols(lambda _s, rng, d: d["symbols"].pop(rng.randrange(len(d["symbols"])))),
    "symbols reordered": symbols(lambda _s, rng, d: rng.shuffle(d["symbols"])),
    "enum default added": named_change(["enum"], lambda _s, rng, d: d.update(default=rng.choice(d["symbols"]))),
    "enum default removed": named_change(["enum"], lambda _s, _r, d: d.update(default=None)),
    "fixed resized": named_change(["fixed"], lambda _s, rng, d: d.update(size=d["size"] + 1)),
    "type renamed": rename_type(False, False),
    "type renamed with alias": rename_type(True, False),
    "namespace moved": rename_type(False, True),
    "namespace moved with alias": rename_type(True, True),
    "logical type added": type_change(lambda kind: kind in ("int", "long", "bytes", "string"), retype(logical_on)),
    "logical type removed": type_change(is_logical, retype(lambda kind: kind["base"])),
    "logical type changed": type_change(lambda kind: is_logical(kind) and kind["base"] == "long", lambda _s, rng, c, k:
                                        set_item(c, k, rng.choice(logical_on("long")))),
    "decimal changed": type_change(lambda kind: is_logical(kind) and kind["logical"] == "decimal", scale),
}


def changed(schema, change, rng):
    """A copy with the change in it, or None where it does not apply."""
    copied = copy.deepcopy(schema)
    copied.rng = rng
    if not CHANGES[change](copied, rng):
        return None
    kinds = [copied.root, *({"ref": key} for key in copied.reach(copied.root, set()))]
    return copied if all(copied.ends(kind) for kind in kinds) else None


def pairs(seed, count):
    """(change's name, schema, changed schema), each change as often as any other; now and then two changes at once."""
    rng = random.Random(seed)
    made = 0
    while made < count:
        for name in CHANGES:
            after = None
            while after is None:
                before = Schema(random.Random(rng.getrandbits(64)))
                after = changed(before, name, rng)
                if after is not None and rng.random() < 0.15:
                    after = changed(after, rng.choice(list(CHANGES)), rng) or after
            yield name, before, after
            made += 1
            if made == count:
                return
