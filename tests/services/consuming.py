"""tests/services/consuming.py - what a broker's own consumers get of a topic, counted as tests/tools/log_digest.c counts
what ours get."""
import contextlib
import hashlib
import struct
import time

import confluent_kafka


def first_offset(consumer, topic, partition, wait_s=60):
    """A broker that has just started has no leaders yet."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, partition), timeout=10)[0]
        except confluent_kafka.KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def committed(address, topic, partition):
    """Messages of all that is committed, in order."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": address, "group.id": "reader", "enable.auto.commit": False,
                                         "auto.offset.reset": "error", "isolation.level": "read_committed",
                                         "enable.partition.eof": True, "check.crcs": True})
    with contextlib.closing(consumer):
        first = first_offset(consumer, topic, partition)
        consumer.assign([confluent_kafka.TopicPartition(topic, partition, first)])
        while True:
            for message in consumer.consume(1000, 0.05):
                if message.error() is None:
                    yield message
                    continue
                assert message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF, message.error()
                return


def digest(address, topic, partition):
    """(count, sha256) of the sequence of (key, value) that is committed."""
    count, sha = 0, hashlib.sha256()
    for message in committed(address, topic, partition):
        for part in (message.key(), message.value()):
            sha.update(struct.pack("<Q", 2**64 - 1 if part is None else len(part)) + (part or b""))
        count += 1
    return count, sha.hexdigest()
