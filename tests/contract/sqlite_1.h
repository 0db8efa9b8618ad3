/* tests/contract/sqlite_1.h - the tables of the SQLite sink's version 1, in the words of the program that made them.
 * Never to change: it stands for the files that are out there. */
#pragma once

/* clang-format off */
/* Instants as ISO 8601 and widths in their largest exact unit, in plain SQL: any client can read the views. */
#define NANOS(ns) "(" ns " % 1000000000 + 1000000000) % 1000000000"
#define ISO(ns) \
    "strftime('%Y-%m-%dT%H:%M:%S', (" ns " - " NANOS(ns) ") / 1000000000, 'unixepoch') || " \
    "CASE " ns " % 1000000000 WHEN 0 THEN '' ELSE rtrim(printf('.%09d', " NANOS(ns) "), '0') END || 'Z'"
#define WIDTH \
    "CASE WHEN width_ns % 86400000000000 = 0 THEN (width_ns / 86400000000000) || 'd'" \
    "     WHEN width_ns % 3600000000000 = 0 THEN (width_ns / 3600000000000) || 'h'" \
    "     WHEN width_ns % 60000000000 = 0 THEN (width_ns / 60000000000) || 'm'" \
    "     WHEN width_ns % 1000000000 = 0 THEN (width_ns / 1000000000) || 's'" \
    "     WHEN width_ns % 1000000 = 0 THEN (width_ns / 1000000) || 'ms'" \
    "     WHEN width_ns % 1000 = 0 THEN (width_ns / 1000) || 'us' ELSE width_ns || 'ns' END"
#define REAL(name) "CAST(" name " AS REAL) AS " name

static const char sqlite_1_sql[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE bars("
    "  instrument TEXT NOT NULL, width_ns INTEGER NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,"
    "  open TEXT NOT NULL, high TEXT NOT NULL, low TEXT NOT NULL, close TEXT NOT NULL,"
    "  volume TEXT NOT NULL, notional TEXT NOT NULL, vwap TEXT NOT NULL, trade_count INTEGER NOT NULL,"
    "  revision INTEGER NOT NULL, known_at_ns INTEGER NOT NULL,"
    "  src_partition INTEGER NOT NULL, src_epoch INTEGER NOT NULL, src_offset INTEGER NOT NULL,"
    "  PRIMARY KEY(instrument, width_ns, start_ns, revision)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE signals("
    "  id TEXT NOT NULL, strategy TEXT NOT NULL, instrument TEXT NOT NULL,"
    "  event_ns INTEGER NOT NULL, width_ns INTEGER NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL,"
    "  status TEXT NOT NULL, price TEXT NOT NULL, note TEXT NOT NULL, known_at_ns INTEGER NOT NULL,"
    "  src_partition INTEGER NOT NULL, src_epoch INTEGER NOT NULL, src_offset INTEGER NOT NULL,"
    "  PRIMARY KEY(id, status)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE positions("
    "  topic TEXT NOT NULL, partition INTEGER NOT NULL, epoch INTEGER NOT NULL, next_offset INTEGER NOT NULL,"
    "  PRIMARY KEY(topic, partition)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE VIEW bars_view AS SELECT"
    "  instrument, " WIDTH " AS width, " ISO("start_ns") " AS start, " ISO("end_ns") " AS \"end\","
    "  " REAL("open") ", " REAL("high") ", " REAL("low") ", " REAL("close") ","
    "  " REAL("volume") ", " REAL("notional") ", " REAL("vwap") ", trade_count,"
    "  revision, " ISO("known_at_ns") " AS known_at"
    " FROM bars AS b WHERE revision = (SELECT max(revision) FROM bars"
    "  WHERE instrument = b.instrument AND width_ns = b.width_ns AND start_ns = b.start_ns);"
    "CREATE VIEW signals_view AS SELECT"
    "  id, strategy, instrument, " ISO("event_ns") " AS time, " WIDTH " AS width,"
    "  action, " REAL("target") ", status, " REAL("price") ", note, " ISO("known_at_ns") " AS known_at"
    " FROM signals;"
    "PRAGMA user_version = 1;"
    "COMMIT";
/* clang-format on */
