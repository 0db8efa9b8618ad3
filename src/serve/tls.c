/* src/serve/tls.c - a certificate tried in a context of its own. */
#include "serve/tls.h"
#include <openssl/err.h>
#include <openssl/ssl.h>

static td_status try_pair(SSL_CTX *context, const char *cert_path, const char *key_path) {
    if (SSL_CTX_use_certificate_chain_file(context, cert_path) != 1)
        return TD_FAIL(TD_CONFIG, "serve.cert: '%s' cannot be read as PEM certificates, the server's own first",
                       cert_path);
    if (SSL_CTX_use_PrivateKey_file(context, key_path, SSL_FILETYPE_PEM) != 1)
        return TD_FAIL(TD_CONFIG,
                       "serve.key: '%s' cannot be read as the PEM key, without a passphrase, of the certificate in "
                       "serve.cert",
                       key_path);
    return TD_OK;
}

td_status td_tls_check(const char *cert_path, const char *key_path) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL) return TD_FAIL(TD_RETRY, "no memory for TLS");
    td_status status = try_pair(context, cert_path, key_path);
    SSL_CTX_free(context);
    ERR_clear_error();
    return status;
}
