/* src/stream/field.c - the types of fields. */
#include "stream/field.h"

td_type td_field_type(td_field field) {
    switch (field) {
    case TD_FIELD_IMBALANCE:
    case TD_FIELD_MICROPRICE:
    case TD_FIELD_SENTIMENT:
        return TD_TYPE_REAL;
    case TD_FIELD_HEADLINE:
    case TD_FIELD_SOURCE:
    case TD_FIELD_URL:
        return TD_TYPE_TEXT;
    case TD_FIELD_EVENT:
        return TD_TYPE_CONDITION;
    default:
        return TD_TYPE_DECIMAL;
    }
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
        return td_field_type(field) != TD_TYPE_DECIMAL;
    }
}
