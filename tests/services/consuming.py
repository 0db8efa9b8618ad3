"""tests/services/consuming.py - what a broker's own consumers get of a topic, counted as tests/tools/log_digest.c counts
what ours get."""
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


def digest(address, topic, partition):
    """(count, sha256) of the sequence of (key, value) that is committed."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": address, "group.id": "reader", "enable.auto.commit": False,
                                         "auto.offset.reset": "error", "isolation.level": "read_committed",
                                         "enable.partition.eof": True, "check.crcs": True})
    first = first_offset(consumer, topic, partition)
    consumer.assign([confluent_kafka.TopicPartition(topic, partition, first)])
    count, sha = 0, hashlib.sha256()
    while True:
        messages = consumer.consume(1000, 0.05)
        for message in messages:
            if message.error() is not None:
                assert message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF, message.error()
                consumer.close()
                return count, sha.hexdigest()
            for part in (message.key(), message.value()):
                sha.update(struct.pack("<Q", 2**64 - 1 if part is None else len(part)) + (part or b""))
            count += 1
