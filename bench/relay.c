/* bench/relay.c - the least that a program with threads costs: bytes in by a socket, three hand-offs from thread to
 * thread, each woken through an eventfd, and out by the socket again. Nothing looks at the bytes.
 *
 * usage: relay     prints the port it listens on, serves one connection, ends with it */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { HANDOFFS = 3, SLOTS = 1024, SLOT_BYTES = 4096 };

typedef struct chunk {
    size_t size; /* 0: the end */
    char bytes[SLOT_BYTES];
} chunk;

typedef struct queue { /* one writer, one reader */
    int wake;          /* counts chunks put and not yet taken */
    _Atomic unsigned put, taken;
    chunk slots[SLOTS];
} queue;

static queue queues[HANDOFFS];

static _Noreturn void die(const char *what) {
    perror(what);
    exit(1);
}

static chunk *room(queue *q) {
    while (atomic_load(&q->put) - atomic_load(&q->taken) == SLOTS) (void)usleep(10);
    return &q->slots[atomic_load(&q->put) % SLOTS];
}

static void put(queue *q) {
    uint64_t one = 1;
    atomic_fetch_add(&q->put, 1);
    if (write(q->wake, &one, sizeof one) != sizeof one) die("eventfd");
}

/* How many chunks may be taken: waits for one. */
static uint64_t await(queue *q) {
    uint64_t count;
    if (read(q->wake, &count, sizeof count) != sizeof count) die("eventfd");
    return count;
}

static chunk *next(queue *q) { return &q->slots[atomic_load(&q->taken) % SLOTS]; }

static void *pass_on(void *self) {
    queue *from = self, *to = from + 1;
    for (;;) {
        for (uint64_t count = await(from); count > 0; count--) {
            chunk *in = next(from), *out = room(to);
            size_t size = out->size = in->size;
            memcpy(out->bytes, in->bytes, size);
            atomic_fetch_add(&from->taken, 1);
            put(to);
            if (size == 0) return NULL;
        }
    }
}

static void *send_out(void *self) {
    int connection = *(int *)self;
    queue *from = &queues[HANDOFFS - 1];
    for (;;) {
        for (uint64_t count = await(from); count > 0; count--) {
            chunk *c = next(from);
            if (c->size == 0) return NULL;
            for (size_t sent = 0; sent < c->size;) {
                ssize_t n = write(connection, c->bytes + sent, c->size - sent);
                if (n <= 0) die("send");
                sent += (size_t)n;
            }
            atomic_fetch_add(&from->taken, 1);
        }
    }
}

static int accept_one(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        die("listen");
    (void)printf("%d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    int connection = accept(listener, NULL, NULL);
    if (connection < 0 || setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) die("accept");
    (void)close(listener);
    return connection;
}

int main(void) {
    pthread_t threads[HANDOFFS];
    int connection = accept_one();
    for (int i = 0; i < HANDOFFS; i++) queues[i].wake = eventfd(0, 0);
    for (int i = 0; i < HANDOFFS; i++) {
        bool last = i == HANDOFFS - 1;
        if (pthread_create(&threads[i], NULL, last ? send_out : pass_on, last ? (void *)&connection : &queues[i]) != 0)
            die("thread");
    }
    for (ssize_t got = 1; got > 0;) {
        chunk *c = room(&queues[0]);
        got = read(connection, c->bytes, sizeof c->bytes);
        c->size = got > 0 ? (size_t)got : 0;
        put(&queues[0]);
    }
    for (int i = 0; i < HANDOFFS; i++) (void)pthread_join(threads[i], NULL);
    (void)close(connection);
    return 0;
}
