/* What stations wrap their bytes in: TLS with a password, or permessage-deflate; CSMSs always have plain frames.
 *
 * Without OpenSSL's or zlib's headers (-DPLAIN_ONLY) only plain stations can be had.
 */
#ifndef STATION_WRAP_H
#define STATION_WRAP_H

enum manner { PLAIN, TLS, DEFLATE };

static const char *const HEADERS[] = {
    "",
    /* Any user name: each contestant sees the same bytes; the relay is told that this is every station's password. */
    "",
    "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n",
};
static const char *const SUBPROTOCOLS[] = {"ocpp1.6", "ocpp1.6", "ocpp2.0.1"}; /* 1.6 is never compressed */

#ifdef PLAIN_ONLY
struct tls_end { int unused; };
static int only_plain(enum manner manner) { return manner == PLAIN; }
static void *secured(int fd) { (void)fd; return 0; }
static int handshake(void *tls) { (void)tls; return -1; }
static ssize_t tls_send(void *tls, const void *bytes, size_t length) { (void)tls, (void)bytes, (void)length; return -1; }
static ssize_t tls_recv(void *tls, void *bytes, size_t room) { (void)tls, (void)bytes, (void)room; return -1; }
static int tls_has_more(void *tls) { (void)tls; return 0; }
static void tls_end(void *tls) { (void)tls; }
static size_t deflated(const char *text, size_t length, char *out, size_t room) {
    (void)text, (void)length, (void)out, (void)room;
    return 0;
}
static size_t inflated(const char *text, size_t length, char *out, size_t room) {
    return deflated(text, length, out, room);
}
#else
#include <openssl/ssl.h>
#include <zlib.h>

static int only_plain(enum manner manner) { (void)manner; return 1; }

static void *secured(int fd) {
    static SSL_CTX *context;
    if (context == NULL) {
        context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    }
    SSL *tls = SSL_new(context);
    SSL_set_fd(tls, fd);
    SSL_set_connect_state(tls);
    return tls;
}

static int handshake(void *tls) { /* 1 done, 0 not yet, -1 failed */
    int done = SSL_do_handshake(tls);
    if (done == 1) return 1;
    int why = SSL_get_error(tls, done);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t tls_send(void *tls, const void *bytes, size_t length) { return SSL_write(tls, bytes, (int)length); }

static ssize_t tls_recv(void *tls, void *bytes, size_t room) {
    int got = SSL_read(tls, bytes, (int)room);
    if (got > 0) return got;
    errno = SSL_get_error(tls, got) == SSL_ERROR_WANT_READ ? EAGAIN : EPIPE;
    return -1;
}

static int tls_has_more(void *tls) { return SSL_pending(tls) > 0; }

static void tls_end(void *tls) { SSL_free(tls); }

static size_t deflated(const char *text, size_t length, char *out, size_t room) {
    static z_stream stream;
    if (stream.state == NULL) deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -12, 8, Z_DEFAULT_STRATEGY);
    stream.next_in = (Bytef *)text, stream.avail_in = (uInt)length;
    stream.next_out = (Bytef *)out, stream.avail_out = (uInt)room;
    deflate(&stream, Z_SYNC_FLUSH);
    size_t size = room - stream.avail_out - 4; /* without the 00 00 ff ff that every message would end in */
    deflateReset(&stream);
    return size;
}

static size_t inflated(const char *text, size_t length, char *out, size_t room) {
    static z_stream stream;
    static const char tail[4] = {0, 0, (char)0xff, (char)0xff};
    if (stream.state == NULL) inflateInit2(&stream, -15);
    stream.next_out = (Bytef *)out, stream.avail_out = (uInt)room;
    stream.next_in = (Bytef *)text, stream.avail_in = (uInt)length;
    inflate(&stream, Z_SYNC_FLUSH);
    stream.next_in = (Bytef *)tail, stream.avail_in = sizeof tail;
    inflate(&stream, Z_SYNC_FLUSH);
    size_t size = room - stream.avail_out;
    inflateReset(&stream);
    return size;
}
#endif
#endif
