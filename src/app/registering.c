/* src/app/registering.c - a registrar as the configuration says, and its turns for those who have nothing else to do.
 */
#include "app/registering.h"
#include <unistd.h>

td_registrar_conf td_registering_conf(const td_os *os, const td_config_log *log) {
    return (td_registrar_conf){.os = os,
                               .url = log->registry,
                               .ca = log->registry_ca,
                               .user = log->registry_user,
                               .password = log->registry_password,
                               .prefix = log->prefix};
}

td_status td_registering_open(td_registrar **out, const td_os *os, const td_config_log *log, td_registrar_aim aim) {
    *out = NULL;
    if (log->registry == NULL) return TD_OK;
    td_registrar_conf conf = td_registering_conf(os, log);
    return td_registrar_open(out, &conf, aim);
}

td_status td_registering_once(td_registry **out, const td_os *os, const td_config_log *log, td_registrar_aim aim) {
    td_registrar *registrar;
    *out = NULL;
    td_status status = td_registering_open(&registrar, os, log, aim);
    if (status != TD_OK || registrar == NULL) return status;
    while ((status = td_registrar_step(registrar)) == TD_AGAIN) (void)usleep(TD_REGISTERING_IDLE_US);
    if (status == TD_OK) *out = td_registrar_take(registrar);
    td_registrar_close(registrar);
    return status;
}
