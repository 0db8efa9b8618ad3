/* src/os/service.h - telling the service manager how the process is, by the protocol of sd_notify(3): one datagram per
 * message to the socket that NOTIFY_SOCKET names. Without that variable nothing happens. Thread: any. */
#pragma once
#include <stdint.h>

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=…", lines of them. A manager that does not listen is no failure. */
void td_service_tell(const char *message);
/* How often the manager wants WATCHDOG=1 at the latest; 0: not at all. */
int64_t td_service_watchdog_ns(void);
