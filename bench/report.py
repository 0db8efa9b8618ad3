"""bench/report.py - the results as tables, as JSON, and as one small page, beside the previous ones."""
import datetime
import html
import json
import os
import pathlib
import platform
import subprocess

from harness import BUILD, PROGRAM

RESULTS, PAGE = BUILD / "bench/results.json", BUILD / "bench/results.html"


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def compiler():
    """The first line that the compiler of the program says of itself."""
    for target in json.loads((BUILD / "meson-info/intro-targets.json").read_text(encoding="utf-8")):
        if target["name"] == PROGRAM.name:
            command = [*target["target_sources"][0]["compiler"], "--version"]
            return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[0]
    return "an unknown compiler"


def machine():
    """What explains a number, and nothing that names the machine."""
    version = subprocess.run([PROGRAM, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return {"cpu": cpu_model(), "cores": os.cpu_count(), "kernel": platform.release(), "load": round(os.getloadavg()[0], 1),
            "program": f"{version}, {compiler()}", "date": datetime.date.today().isoformat()}


def previous_medians(results):
    """{(section, name): median} of the last results of the same size, or nothing."""
    if not RESULTS.exists():
        return {}
    old = json.loads(RESULTS.read_text(encoding="utf-8"))
    if old["ticks"] != results["ticks"]:
        return {}
    return {(r["section"], r["name"]): r["median"] for r in old["rows"] if r["values"]}


def add_changes(rows, before):
    for row in rows:
        old = before.get((row["section"], row["name"]))
        row["previous"] = old
        row["change_percent"] = (row["median"] / old - 1) * 100 if old and row["values"] else None


def number(value):
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def change(row):
    return "" if row["change_percent"] is None else f"{row['change_percent']:+.1f} %"


def print_tables(results):
    m = results["machine"]
    print(f"{results['ticks']} ticks, {results['runs']} alternating runs; {m['program']}; {m['cpu']}, {m['cores']} cores, "
          f"{m['kernel']}, load {m['load']}")
    section = None
    for row in results["rows"]:
        if row["section"] != section:
            section = row["section"]
            print(f"\n{section:<42}{'median':>10}{'lowest':>10}{'highest':>10}  {'unit':<12}{'change':>9}")
        if row["values"]:
            spread = "".join(f"{number(row[k]):>10}" for k in ("median", "low", "high"))
            print(f"  {row['name']:<40}{spread}  {row['unit']:<12}{change(row):>9}  {row['note']}")
        else:
            print(f"  {row['name']:<40}{row['note']}")
    print(f"\n{'bounds':<48}{'measured':>18}  {'':8}wanted")
    for b in results["bounds"]:
        print(f"  {b['what']:<46}{b['value']:>18}  {'met' if b['met'] else 'NOT MET':<8}{b['bound']}")


STYLE = """body{font:14px system-ui;margin:2em auto;max-width:70em;padding:0 1em;color:#222}table{border-collapse:collapse;
width:100%;margin-bottom:2em}td,th{text-align:left;padding:.25em .6em;border-bottom:1px solid #ddd;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.bar{width:22%}
td.bar div{background:#4a7;height:.9em;border-radius:2px}td.note{color:#666}.no{color:#b00;font-weight:600}
@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}td,th{border-color:#333}td.note{color:#999}}"""


def cell(text, kind=""):
    return f"<td{f' class={kind}' if kind else ''}>{html.escape(str(text))}</td>"


def row_html(row, largest):
    if not row["values"]:
        return f"<tr>{cell(row['name'])}<td colspan=6>{html.escape(row['note'])}</td></tr>"
    width = max(0.0, row["median"] / largest * 100) if largest > 0 else 0
    cells = cell(row["name"]) + f"<td class=bar><div style='width:{width:.1f}%'></div></td>"
    cells += "".join(cell(number(row[k]), "n") for k in ("median", "low", "high"))
    return f"<tr>{cells}{cell(row['unit'])}{cell(change(row), 'n')}{cell(row['note'], 'note')}</tr>"


def section_html(name, rows):
    largest = {}  # bars compare rows of one unit
    for r in rows:
        if r["values"]:
            largest[r["unit"]] = max(largest.get(r["unit"], 0), r["median"])
    head = "<tr><th><th><th class=n>median<th class=n>lowest<th class=n>highest<th>unit<th class=n>change<th></tr>"
    return f"<h2>{html.escape(name)}</h2><table>{head}" + \
        "".join(row_html(r, largest.get(r["unit"], 0)) for r in rows) + "</table>"


def page(results):
    m = results["machine"]
    about = (f"{results['ticks']:,} ticks, {results['runs']} alternating runs. {m['program']}. {m['cpu']}, {m['cores']} "
             f"cores, Linux {m['kernel']}, load {m['load']}, {m['date']}.")
    bounds = "".join(f"<tr>{cell(b['what'])}{cell(b['value'], 'n')}{cell('met' if b['met'] else 'not met', '' if b['met'] else 'no')}"
                     f"{cell(b['bound'], 'note')}</tr>" for b in results["bounds"])
    names = list(dict.fromkeys(r["section"] for r in results["rows"]))
    tables = "".join(section_html(n, [r for r in results["rows"] if r["section"] == n]) for n in names)
    return (f"<!doctype html><html lang=en><meta charset=utf-8><title>Tapedeck: benchmarks</title><style>{STYLE}</style>"
            f"<h1>Benchmarks</h1><p>{html.escape(about)}</p><table><tr><th>bound<th class=n>measured<th><th>wanted</tr>"
            f"{bounds}</table>{tables}</html>\n")


def write(bench):
    results = {"ticks": bench.ticks, "runs": bench.runs, "machine": machine(), "rows": bench.rows, "bounds": bench.bounds}
    add_changes(results["rows"], previous_medians(results))
    print_tables(results)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(results), encoding="utf-8")
    print(f"\n{os.path.relpath(PAGE)} shows the same")
