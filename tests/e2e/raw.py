"""tests/e2e/raw.py - raw capture from outside: what a venue sent is in the log byte for byte, before what came of it,
also after kill -9; an import makes of it once more what the run made; and no secret of the settings is anywhere in what
a run leaves behind.
"""
import asyncio
import collections
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import tapedeck

sys.path.insert(0, str(tapedeck.ROOT / "tests" / "venues"))
import server  # noqa: E402
import venue as venues  # noqa: E402
from live import RECORDING, SESSION_BIT, Run, records, wait_for  # noqa: E402

CASES = tapedeck.Cases()
SECRET = "c0ffee-d00d-5ec2e7"
HISTORY = "history_after: 300ms, history_interval: 50ms, reconnect: 50ms"


def place(record):
    return record["src"]["file"] - SESSION_BIT, record["src"]["line"]


def capture(data, feed="websocket"):
    """{place: bytes} of the messages, and the records of other kinds."""
    messages, others = {}, []
    for record in records(data, f"raw.{feed}"):
        value = record["value"]
        if value["kind"] == "message":
            assert place(record) not in messages, f"{place(record)} is there twice"
            messages[place(record)] = value["bytes"]
        else:
            others.append(record)
    return messages, others


def check_tape(data, messages, others):
    """Each event of the tape is in the message at its place, or in an answer; how many."""
    answers = [record["value"]["bytes"] for record in others if record["value"]["kind"] == "answer"]
    compared = 0
    for record in records(data):
        value = record["value"]
        if value["schema"] not in ("Trade", "Quote"):
            continue
        number = value["trade_id"] if value["schema"] == "Trade" else value["sequence"]
        if value["origin"] == "feed":
            assert f":{number}," in messages[place(record)], (record, messages[place(record)])
        else:
            assert any(f'"id": {number},' in answer for answer in answers), record
        compared += 1
    return compared


@CASES.add
def byte_for_byte(folder):
    frames = venues.read_frames(RECORDING)
    with venues.Venue(frames, rate=2000, loop=True) as venue:
        file = tapedeck.config(f"{folder}/raw.yaml", f"{folder}/data", [
            f"websocket: {{ url: '{venue.url}', history: '{venue.history}', raw: true, {HISTORY} }}"], partitions=2,
            sink=False)
        with Run(file):
            for how in ["close", "half", "drop"]:
                wait_for(lambda: venue.open_session() is not None and len(venue.open_session().sent) > 200)
                venue.cut(how)
            wait_for(lambda: venue.open_session() is not None and venue.pages > 0)
            venue.paused = True
            time.sleep(0.5)
    messages, others = capture(f"{folder}/data")
    for number, session in enumerate(venue.sessions, 1):
        sent = [frames[index] for index in session.sent]
        found = [messages[key] for key in sorted(messages) if key[0] == number]
        if found and found[-1] == '{"e":"trade","cut":':  # the half of one is shown where the network gave it
            found.pop()
        assert found == sent, f"session {number}: {len(found)} messages kept, {len(sent)} sent"
    kinds = [record["value"]["kind"] for record in others]
    opened = next(record["value"] for record in others if record["value"]["kind"] == "opened")
    assert (opened["format"], opened["venue"], opened["address"]) == ("binance", "BINANCE", venue.url), opened
    assert kinds.count("opened") == len(venue.sessions) and kinds.count("closed") == len(venue.sessions) - 1, kinds
    assert kinds.count("answer") == venue.pages, (kinds, venue.pages)
    compared = check_tape(f"{folder}/data", messages, others)
    assert compared > 500, compared
    return f"{len(messages)} messages and {venue.pages} answers as they were sent, {compared} events in theirs"


def events(data):
    """What a feed said of its market: of each instrument in its order, and of what came afterwards as a set."""
    told, afterwards = collections.defaultdict(list), set()  # lines are counted with what was asked for in between
    for record in records(data):
        value, key = record["value"], record["key"]
        if value["schema"] not in ("Trade", "Quote"):
            continue
        if value["origin"] == "feed":
            told[key].append((place(record)[0], sorted((name, str(field)) for name, field in value.items())))
        else:
            afterwards.add((key, value["trade_id"], value["price"], value["size"], value["event_ns"]))
    return told, afterwards


def gaps(data):
    """As they stand, without the places and times that depend on when something was asked for."""
    done = subprocess.run([tapedeck.PROGRAM, "gaps", "--json", "--data", data], stdout=subprocess.PIPE, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()][:-1]
    keys = ("instrument", "feed", "number", "reason", "status", "first_id", "last_id", "missing", "filled")
    return [tuple(row[key] for key in keys) for row in rows]


def import_raw(file, data, out, *options, check=0):
    done = subprocess.run([tapedeck.PROGRAM, "import", "--raw", "websocket", "--data", data, "--json",
                           *(("--out", out) if out else ()), *options, file],
                          cwd=tapedeck.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == check, (done.returncode, done.stderr)
    return json.loads(done.stdout) if done.stdout else done.stderr


def record_cut(folder, venue, file):
    """A live run cut in three ways, killed, and run once more."""
    def sent(least):
        return venue.open_session() is not None and len(venue.open_session().sent) > least
    process = subprocess.Popen([tapedeck.PROGRAM, "run", "--quiet", file], cwd=tapedeck.ROOT)
    for how in ["close", "half", "drop"]:
        wait_for(lambda: sent(300))
        venue.cut(how)
    wait_for(lambda: sent(300))
    tapedeck.kill(process)
    wait_for(lambda: venue.open_session() is None)
    with Run(file):
        wait_for(lambda: sent(200))
        wait_for(lambda: len(gaps(f"{folder}/data")) >= 4 and all(g[4] == "filled" for g in gaps(f"{folder}/data")))
        venue.paused = True
        time.sleep(0.5)


@CASES.add
def imported(folder):
    """What is kept, decoded once more: the events, the gaps and what filled them are those of the live run."""
    data, again = f"{folder}/data", f"{folder}/again"
    with venues.Venue(venues.read_frames(RECORDING), rate=2000) as venue:
        file = tapedeck.config(f"{folder}/raw.yaml", data, [
            f"websocket: {{ url: '{venue.url}', history: '{venue.history}', raw: true, {HISTORY} }}"], partitions=2)
        record_cut(folder, venue, file)
    told = import_raw(file, data, again)
    assert told["sessions"] == len(venue.sessions) == 5 and told["answers"] == venue.pages, (told, venue.pages)
    (live, filled), (live_again, filled_again) = events(data), events(again)
    assert live == live_again and sum(map(len, live.values())) > 1500, (live.keys(), live_again.keys())
    assert filled == filled_again and len(filled) > 20, (len(filled), len(filled_again))
    assert gaps(data) == gaps(again), (gaps(data), gaps(again))
    import_raw(file, data, f"{folder}/third", "--set", "log.kafka=127.0.0.1:1")  # no cluster is asked, nor written to
    assert tapedeck.digests(again) == tapedeck.digests(f"{folder}/third"), "it is no function of what was kept"
    return f"{told['events']} events, {len(filled)} of them afterwards, {len(gaps(again))} gaps: as they were live"


@CASES.add
def not_imported(folder):
    """What cannot be is refused before anything is made; a part of the time is a part of the messages."""
    data = f"{folder}/data"
    with venues.Venue(venues.read_frames(RECORDING), rate=2000) as venue:
        file = tapedeck.config(f"{folder}/raw.yaml", data, [f"websocket: {{ url: '{venue.url}', raw: true }}",
                                                            "coinbase: { products: [A-B], url: 'ws://localhost:1' }"],
                               partitions=2, sink=False)
        with Run(file):
            wait_for(lambda: venue.open_session() is not None and len(venue.open_session().sent) > 600)
    refusals = {
        ("--raw", "websocket2"): 'no feed "websocket2"; did you mean "websocket"?',
        ("--raw", "coinbase"): "holds no topic raw.coinbase: only feeds with `raw: true` keep what comes",
        ("--set", "feeds.0.websocket.format=kraken"): "raw.websocket holds messages of binance",
        ("--out", data): f"{data} holds a log already: name a new folder by --out",
        ("--to", "2020-01-01T00:00Z"): f"{data} holds nothing of these feeds at that time",
    }
    said = import_raw(file, data, "", "--set", "log.kafka=127.0.0.1:1", check=3)
    assert "out: missing: the configured log is on Kafka" in said, said
    for options, text in refusals.items():
        said = import_raw(file, data, f"{folder}/out", *options, check=3)
        assert text in said and not pathlib.Path(f"{folder}/out").exists(), (options, said)
    times = [r["value"]["receive_ns"] for r in records(data, "raw.websocket") if r["value"]["kind"] == "message"]
    begin, end = times[len(times) // 3], times[len(times) * 2 // 3]
    part = import_raw(file, data, f"{folder}/out", "--raw", "raw.websocket", "--from", str(begin), "--to", str(end))
    assert part["messages"] == sum(begin <= ns < end for ns in times) > 50 and part["sessions"] == 1, part
    return f"{len(refusals)} refusals; {part['messages']} of {len(times)} messages"


@CASES.add
def killed(folder):
    """No event is on the tape without its message, wherever the process dies."""
    frames = venues.read_frames(RECORDING)
    compared = 0
    with venues.Venue(frames, rate=4000, loop=True) as venue:
        file = tapedeck.config(f"{folder}/raw.yaml", f"{folder}/data", [
            f"websocket: {{ url: '{venue.url}', raw: true, reconnect: 50ms }}"], partitions=2, sink=False)
        for n in range(5):
            process = subprocess.Popen([tapedeck.PROGRAM, "run", "--quiet", file], cwd=tapedeck.ROOT)
            wait_for(lambda: len(venue.sessions) > n and len(venue.sessions[n].sent) > 500)
            tapedeck.kill(process)
            wait_for(lambda: venue.open_session() is None)
    found, last = {}, {}
    for record in records(f"{folder}/data", "raw.websocket"):  # a session that left nothing else may come again
        if record["value"]["kind"] == "message":
            found[place(record)] = record["value"]["bytes"]
        last[place(record)[0]] = record["value"]["kind"]
    compared = check_tape(f"{folder}/data", found, [])
    assert compared > 1000 and len(last) == 5 and "closed" not in last.values(), (compared, last)
    return f"{compared} events in the messages that {len(last)} killed runs kept"


class Talkative(server.Server):
    """A venue that repeats in all it says the key that it was given."""

    async def _play(self):
        await self._stop.wait()

    async def _heard(self, session, message):
        for text in ('{"error":{"code":1,"msg":"Invalid key KEY"}}', '{"e":"trade","key":"KEY"}', "KEY is no JSON KEY",
                     '{"e":"trade","s":"BTCUSDT","t":7,"p":"1","q":"1","T":1723111200000,"m":true,"memo":"KEY"}'):
            await session.connection.send(text.replace("KEY", SECRET))
        await asyncio.sleep(0.3)
        await session.connection.close(1008, f"bye {SECRET}")


def reveals(folder, *texts):
    """Where the secret stands."""
    found = [name for name, text in texts if SECRET.encode() in text]
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_file() and SECRET.encode() in path.read_bytes():
            found.append(str(path))
    return found


@CASES.add
def secrets(folder):
    subscribe = json.dumps({"op": "subscribe", "apiKey": "${VENUE_KEY}"})
    with Talkative() as venue:
        file = tapedeck.config(f"{folder}/secret.yaml", f"{folder}/data", [
            f"websocket: {{ name: a, url: '{venue.url}?token=${{VENUE_KEY}}', raw: true, subscribe: '{subscribe}', "
            f"reconnect: 50ms }}",
            f"websocket: {{ name: b, url: '{venue.url}/${{VENUE_KEY}}/x', raw: true, subscribe: '{{}}', venue: B, "
            f"reconnect: 50ms }}",
            "websocket: { name: c, url: 'ws://localhost:1/${VENUE_KEY}', venue: C, reconnect: 50ms }"],
            partitions=2, extra="serve: { listen: 127.0.0.1:0 }\n")
        process = subprocess.Popen([tapedeck.PROGRAM, "run", "--json", file], cwd=tapedeck.ROOT,
                                   env=os.environ | {"VENUE_KEY": SECRET}, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        address = pathlib.Path(f"{folder}/data/SERVE")
        wait_for(lambda: len(venue.sessions) >= 4 and address.exists())
        time.sleep(0.5)
        outside = []
        for path in ("metrics", "api/v1/status", "api/v1/feeds"):
            try:
                with urllib.request.urlopen(address.read_text().strip().rstrip("/") + f"/{path}", timeout=10) as answer:
                    outside.append((path, answer.read()))
            except urllib.error.HTTPError as error:
                outside.append((path, error.read()))
        outside.append(("cmdline", pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()))
        for topic in ("raw.a", "rejected"):
            outside.append((topic, json.dumps(records(f"{folder}/data", topic)).encode()))
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=30)
    found = reveals(folder, ("stdout", stdout), ("stderr", stderr), *outside)
    assert found == [], found
    messages, _ = capture(f"{folder}/data", "a")
    rejected = [record["value"]["bytes"] for record in records(f"{folder}/data", "rejected")]
    assert '{"e":"trade","key":"***"}' in messages.values() and "*** is no JSON ***" in rejected, (messages, rejected)
    assert b"Invalid key ***" in stderr and len(outside[0][1]) > 1000, stderr
    return f"{len(messages)} messages, {len(rejected)} rejected, {len(stderr)} bytes of lines: asterisks"


if __name__ == "__main__":
    sys.exit(CASES.run())
