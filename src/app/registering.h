/* src/app/registering.h - the registry of a log on Kafka, as the configuration says (log.registry): our schemas looked
 * up or registered there before the log is opened. Thread: start-up only. */
#pragma once
#include "app/config.h"
#include "flow/registrar.h"

/* Where log.registry is set; texts are borrowed. */
td_registrar_conf td_registering_conf(const td_os *os, const td_config_log *log);
/* NULL where the log keeps its schemas itself. `log` is borrowed. Errors: as td_registrar_open's. */
TD_CHECKED td_status td_registering_open(td_registrar **out, const td_os *os, const td_config_log *log,
                                         td_registrar_aim aim);
/* For who does not wait until a registry is there: what it knows, or NULL as above. Errors: as the registrar's. */
TD_CHECKED td_status td_registering_once(td_registry **out, const td_os *os, const td_config_log *log,
                                         td_registrar_aim aim);
enum { TD_REGISTERING_IDLE_US = 500 }; /* between two turns of a registrar */
