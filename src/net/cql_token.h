/* src/net/cql_token.h - where a row of Cassandra lies on the cluster's ring: the token of its partition's key, as the
 * nodes' Murmur3Partitioner computes it. Pure. */
#pragma once
#include "net/cql_frame.h"

int64_t td_cql_token_of(td_bytes key);
/* Of the first `parts` values, which are the columns of the partition's key in their order; none of them is null.
 * `room` is for a key of several columns. */
int64_t td_cql_token(const td_cql_values *values, uint32_t parts, td_buf *room);
