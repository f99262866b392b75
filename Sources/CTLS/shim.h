#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

// What OpenSSL offers as macros with arguments, which Swift does not see.

/// TLS 1.3 and Ed25519 alone, no resumption; 1 on success.
static inline int ctls_restrict(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1
        && SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1
        && SSL_CTX_set1_sigalgs_list(context, "ed25519") == 1
        && SSL_CTX_set_num_tickets(context, 0) == 1;
}
