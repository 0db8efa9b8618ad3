/* src/stream/field.c - the types of fields. */
#include "stream/field.h"

td_type td_field_type(td_field field) {
    if (field == TD_FIELD_IMBALANCE || field == TD_FIELD_MICROPRICE) return TD_TYPE_REAL;
    return TD_TYPE_DECIMAL;
}

bool td_field_is_narrow(td_field field) {
    switch (field) {
    case TD_FIELD_OPEN:
    case TD_FIELD_HIGH:
    case TD_FIELD_LOW:
    case TD_FIELD_CLOSE:
    case TD_FIELD_VWAP:
    case TD_FIELD_PRICE:
    case TD_FIELD_BID:
    case TD_FIELD_ASK:
    case TD_FIELD_MID:
        return true;
    default:
        return td_field_type(field) == TD_TYPE_REAL;
    }
}
