"""tests/services/admin.py - what an operator does at a broker: topics and their settings, and who may do what."""
import time

from confluent_kafka import admin


def _client(address):
    return admin.AdminClient({"bootstrap.servers": address})


def topics(address, prefix):
    """Their names behind the prefix."""
    return {name[len(prefix):] for name in _client(address).list_topics(timeout=10).topics if name.startswith(prefix)}


def make_topic(address, name, partitions, **settings):
    """Until the broker itself knows of it: it is told by the controller, which answers first."""
    client = _client(address)  # its answers end with it
    client.create_topics([admin.NewTopic(name, partitions, 1, config=settings)])[name].result(10)
    deadline = time.monotonic() + 30
    while name not in topics(address, "") or len(client.list_topics(name, timeout=10).topics[name].partitions) < partitions:
        assert time.monotonic() < deadline, f"{name} is not there"
        time.sleep(0.1)


def drop_topic(address, name):
    client = _client(address)
    client.delete_topics([name])[name].result(10)


def settings(address, topic):
    """What the broker holds for a topic: {name: text}."""
    client = _client(address)
    asked = admin.ConfigResource(admin.ResourceType.TOPIC, topic)
    return {name: entry.value for name, entry in client.describe_configs([asked])[asked].result(10).items()}


def groups(address, prefix):
    client = _client(address)
    return [group.group_id for group in client.list_consumer_groups().result(10).valid if group.group_id.startswith(prefix)]


def forget_positions(address, prefix):
    """What a broker does with them when nobody has committed for offsets.retention.minutes. How many groups had some."""
    client, found = _client(address), groups(address, prefix)
    for done in client.delete_consumer_groups(found).values() if found else ():
        done.result(10)
    return len(found)


def allow(address, user, prefix, *operations):
    """These operations on what the prefix begins the names of: topics, groups and transactions."""
    kinds = [admin.ResourceType.TOPIC, admin.ResourceType.GROUP, admin.ResourceType.TRANSACTIONAL_ID]
    rows = [admin.AclBinding(kind, prefix, admin.ResourcePatternType.PREFIXED, f"User:{user}", "*",
                             getattr(admin.AclOperation, operation), admin.AclPermissionType.ALLOW)
            for kind in kinds for operation in operations
            if not (kind == admin.ResourceType.TRANSACTIONAL_ID and operation == "READ")]
    client = _client(address)
    for done in client.create_acls(rows).values():
        done.result(10)
