/* src/serve/offer.c - put what there is room for, ask for answers in the same order, withdraw what takes too long. */
#include "serve/offer.h"
#include <stdlib.h>

#define TAKEN_WITHIN_NS (10 * TD_NS_PER_S)

void td_offers_init(td_offers *o, const td_view *view, size_t count) {
    *o = (td_offers){.view = view, .count = count, .moved_ns = td_view_now_ns(view)};
    o->items = td_alloc_zero(count + 1, sizeof *o->items);
}

/* What nobody took is not done; what was taken may be. */
static void withdraw(td_offers *o) {
    for (size_t i = o->answered; i < o->count; i++) {
        const td_serve_run *run = &td_view_topics(o->view)->run;
        td_offer *offer = &o->items[i];
        if (offer->state != TD_OFFER_OPEN) continue;
        bool undone = i >= o->put || run->withdraw(run->self, offer->ticket);
        offer->state = undone ? TD_OFFER_UNTAKEN : TD_OFFER_UNSURE;
    }
    o->put = o->answered = o->count;
}

void td_offers_fini(td_offers *o) {
    withdraw(o);
    free(o->items);
}

static bool put_one(td_offers *o) {
    const td_serve_run *run = &td_view_topics(o->view)->run;
    td_offer *offer = &o->items[o->put];
    td_status status = TD_FULL;
    if (run->put != NULL) status = run->put(run->self, offer->partition, offer->key, offer->value, &offer->ticket);
    if (status == TD_FULL) return false;
    if (status != TD_OK) offer->state = TD_OFFER_UNTAKEN; /* larger than ingest takes */
    o->put++;
    return true;
}

static bool ask_one(td_offers *o) {
    const td_serve_run *run = &td_view_topics(o->view)->run;
    td_offer *offer = &o->items[o->answered];
    if (offer->state == TD_OFFER_OPEN) {
        td_status status = run->ask(run->self, offer->ticket);
        if (status == TD_AGAIN) return false;
        offer->state = status == TD_OK ? TD_OFFER_DONE : TD_OFFER_UNTAKEN;
    }
    o->answered++;
    return true;
}

td_status td_offers_step(td_offers *o) {
    size_t before = o->put + o->answered;
    while (o->put < o->count && put_one(o)) {}
    while (o->answered < o->put && ask_one(o)) {}
    int64_t now_ns = td_view_now_ns(o->view);
    if (o->put + o->answered > before) o->moved_ns = now_ns;
    if (now_ns - o->moved_ns > TAKEN_WITHIN_NS) withdraw(o);
    return o->answered == o->count ? TD_OK : TD_FULL;
}
