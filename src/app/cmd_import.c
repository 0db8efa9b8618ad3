/* src/app/cmd_import.c - what `tapedeck import` is called with. */
#include "app/cmd_import.h"
#include "app/importing.h"

static const td_option options[] = {
    {.key = "raw",
     .type = TD_OPTION_TEXTS,
     .unit = "FEED",
     .offset = offsetof(td_import_options, raw),
     .help = "a feed of FILE, of which topic raw.FEED is read; may be given more than once"},
    {.key = "archive",
     .type = TD_OPTION_TEXT,
     .unit = "PATH",
     .offset = offsetof(td_import_options, archive),
     .help = "instead: the folder of an archive, or *.parquet or *.avro, whose trades and quotes are read"},
    {.key = "data",
     .type = TD_OPTION_TEXT,
     .fallback = "data",
     .unit = "DIR",
     .offset = offsetof(td_import_options, data),
     .help = "with --raw: the data folder of the run that kept it"},
    {.key = "out",
     .type = TD_OPTION_TEXT,
     .unit = "DIR",
     .offset = offsetof(td_import_options, out),
     .help = "the data folder that is made, of --raw a new one; unset: the log.dir of FILE"},
    {.key = "from",
     .type = TD_OPTION_TEXT,
     .unit = "TIME",
     .offset = offsetof(td_import_options, from),
     .help = "with --raw: what was received then or later"},
    {.key = "to",
     .type = TD_OPTION_TEXT,
     .unit = "TIME",
     .offset = offsetof(td_import_options, to),
     .help = "with --raw: what was received before"},
    {.key = "set",
     .type = TD_OPTION_TEXTS,
     .unit = "KEY=VALUE",
     .offset = offsetof(td_import_options, sets),
     .help = "override a key of FILE; may be given more than once"},
    {.key = "json", .type = TD_OPTION_BOOL, .offset = offsetof(td_import_options, json), .help = "one JSON object"},
    {0},
};

static int run(void *conf, const char *const *words) { return td_import(conf, words[0]); }

const td_command td_command_import = {
    .name = "import",
    .words = "FILE",
    .words_least = 1,
    .words_most = 1,
    .summary = "a log made of what live feeds kept as it came, or of an archive",
    .text =
        "With --raw: reads what feeds with `raw: true` kept of their networks in the data folder, and makes of it, by\n"
        "the configuration FILE and the decoders of now, what the run made of it: sessions begin and end as they\n"
        "did, so that the same gaps are told, and are filled by the answers that came. Bars and signals go into the\n"
        "new log, nothing into sinks; `tapedeck run` goes on behind it. Changes nothing in the data folder; a\n"
        "process may write there.\n"
        "With --archive: the run of FILE to its end with that archive, or with Parquet or Avro of others, as its\n"
        "only feed (docs/recordings.md, `format: parquet`), and without sinks. Imported again it is there already,\n"
        "and nothing is done; new files behind are taken in. Settings of the feed are given as\n"
        "--set feeds.0.file.KEY=VALUE.\n",
    .options = options,
    .conf_size = sizeof(td_import_options),
    .examples = "  tapedeck import --raw coinbase --out /tmp/again market.yaml\n"
                "  tapedeck import --raw coinbase --raw coinbase.2 --from 2026-11-21T14:30Z --out /tmp/again --json "
                "market.yaml\n"
                "  tapedeck import --archive archive --out data market.yaml\n"
                "  tapedeck import --archive vendor.parquet --set feeds.0.file.venue=XETR --out data market.yaml\n",
    .run = run,
};
