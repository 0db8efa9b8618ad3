/* src/schema/identity.h - which texts are one schema: those that differ in white space, in the order of attributes, in
 * how a string is escaped, or in {"type": "string"} for "string". Docs, defaults and attributes of others count, since
 * a registry gives back what it was given. Pure. */
#pragma once
#include "base/bytes.h"

enum { TD_IDENTITY_BYTES = 32 };

/* Appends the text without the white space between its words. It is JSON: whoever calls has parsed it. */
void td_schema_minify(td_bytes text, td_buf *out);
/* A hash, equal for texts that are one schema. */
void td_schema_identity(td_bytes text, uint8_t out[TD_IDENTITY_BYTES]);
