/* Load generator: charging stations and CSMSs in one single-threaded epoll process, so that the proxy is the limit.
 *
 *   load PROXY_PORT PATH MANNER BACKEND_PORT... then commands on stdin, one JSON line each on stdout:
 *   connect N IN_FLIGHT                         N stations in all: TCP, upgrade, BootNotification answered
 *   closed WARM_S SECONDS PROXY_PID             every station sends its next CALL when the last one is answered
 *   paced RATE WARM_S SECONDS PROXY_PID         RATE CALLs a second in all, the stations in turn
 *
 * MANNER is plain, tls (with the password "bench-bench-bench" of every station) or deflate, on the stations' side.
 * Of five CALLs four are a MeterValues of about 320 bytes and one is a Heartbeat. CSMSs answer at once.
 * The proxy's CPU is read from /proc/PID/stat at the borders of the window, in which answers are counted.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "station_wrap.h"
#include "websocket_key.h"

#define HEAD_MAX 4096
#define BUFFER 2048 /* frames are some 400 bytes, a handshake's head well below this */

enum role { STATION, CSMS, LISTENER, TICKS };
enum state { CONNECTING, SECURING, UPGRADING, BOOTING, IDLE, WAITING, GONE };

struct peer {
    enum role role;
    enum state state;
    int fd, number;
    uint32_t sequence;
    uint64_t sent_ns;
    size_t length;
    void *tls;
    char buffer[BUFFER];
};

static int poller, proxy_port;
static const char *path;
static enum manner manner;
static struct peer **stations;
static int station_count, opening, wanted, in_flight_max, booted, failed, errors, next_station;
static int running, counting, closed_loop; /* calls are made; answers are counted; each answer is followed by a call */
static uint32_t *delays_us;
static size_t delays, delays_room;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what) { perror(what), exit(1); }

/* -- sockets --------------------------------------------------------------------------------------------------- */

static struct peer *watch(int fd, enum role role, enum state state, uint32_t events) {
    struct peer *peer = calloc(1, sizeof *peer);
    struct epoll_event event = {.events = events, .data.ptr = peer};
    peer->fd = fd, peer->role = role, peer->state = state;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
    return peer;
}

static struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){AF_INET, htons((uint16_t)port), {htonl(INADDR_LOOPBACK)}, {0}};
}

static int new_socket(void) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) die("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void drop(struct peer *peer) {
    if (peer->state == GONE) return;
    if (peer->role == STATION) {
        if (peer->state < IDLE) opening--;
        failed++;
    }
    if (peer->tls) tls_end(peer->tls);
    close(peer->fd);
    peer->state = GONE; /* not freed: events of this round may still name it */
}

static void put(struct peer *peer, const void *bytes, size_t length) {
    ssize_t sent = peer->tls ? tls_send(peer->tls, bytes, length) : send(peer->fd, bytes, length, MSG_NOSIGNAL);
    if (sent != (ssize_t)length) errors++, drop(peer);
}

static void put_frame(struct peer *peer, int opcode, const char *text, size_t length) {
    unsigned char frame[BUFFER];
    char small[BUFFER];
    size_t at = 2;
    int masked = peer->role == STATION;
    frame[0] = (unsigned char)(0x80 | opcode);
    if (masked && manner == DEFLATE && opcode == 1) {
        length = deflated(text, length, small, sizeof small), text = small;
        frame[0] |= 0x40;
    }
    frame[1] = (unsigned char)(masked << 7 | (length < 126 ? length : 126));
    if (length >= 126) frame[2] = (unsigned char)(length >> 8), frame[3] = (unsigned char)length, at = 4;
    if (masked) {
        static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
        memcpy(frame + at, mask, 4), at += 4;
        for (size_t i = 0; i < length; i++) frame[at + i] = (unsigned char)text[i] ^ mask[i & 3];
    } else {
        memcpy(frame + at, text, length);
    }
    put(peer, frame, at + length);
}

/* -- stations -------------------------------------------------------------------------------------------------- */

static void open_more(void) {
    while (opening < in_flight_max && station_count < wanted) {
        struct sockaddr_in address = loopback(proxy_port);
        int fd = new_socket();
        if (connect(fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) die("connect");
        struct peer *peer = watch(fd, STATION, CONNECTING, EPOLLOUT);
        peer->number = station_count;
        stations[station_count++] = peer;
        opening++;
    }
}

static const char *credentials(int number) { /* the Authorization header of a station with a password */
    static char header[128];
    char plain[64], text[96];
    int length = snprintf(plain, sizeof plain, "CP%05d:bench-bench-bench", number);
    base64((unsigned char *)plain, (size_t)length, text);
    snprintf(header, sizeof header, "Authorization: Basic %s\r\n", text);
    return header;
}

static void upgrade(struct peer *peer) {
    char head[HEAD_MAX];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    if (manner == TLS) {
        if (peer->tls == NULL) peer->tls = secured(peer->fd);
        peer->state = SECURING;
        int done = handshake(peer->tls);
        if (done < 0) return drop(peer);
        epoll_ctl(poller, EPOLL_CTL_MOD, peer->fd, &event);
        if (done == 0) return;
    }
    int length = snprintf(head, sizeof head,
                          "GET %s/CP%05d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                          "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Protocol: %s\r\n%s%s\r\n",
                          path, peer->number, proxy_port, SUBPROTOCOLS[manner], HEADERS[manner],
                          manner == TLS ? credentials(peer->number) : "");
    epoll_ctl(poller, EPOLL_CTL_MOD, peer->fd, &event);
    peer->state = UPGRADING;
    put(peer, head, (size_t)length);
}

static void ask(struct peer *peer, const char *action, const char *payload) {
    char text[BUFFER];
    int length = snprintf(text, sizeof text, "[2,\"%08x-0000-4000-8000-%012x\",\"%s\",%s]", (unsigned)peer->number,
                          ++peer->sequence, action, payload);
    peer->sent_ns = now_ns();
    put_frame(peer, 1, text, (size_t)length);
}

static void next_call(struct peer *peer) {
    peer->state = WAITING;
    if (peer->sequence % 5 == 0)
        ask(peer, "Heartbeat", "{}");
    else
        ask(peer, "MeterValues",
            "{\"connectorId\":1,\"transactionId\":123456,\"meterValue\":[{\"timestamp\":\"2026-01-01T00:00:00Z\","
            "\"sampledValue\":[{\"value\":\"123456.7\",\"context\":\"Sample.Periodic\",\"measurand\":"
            "\"Energy.Active.Import.Register\",\"unit\":\"Wh\",\"location\":\"Outlet\",\"phase\":\"L1\","
            "\"format\":\"Raw\"}]}]}");
}

static void answered(struct peer *peer, const char *text, size_t length) {
    char id[64];
    int size = snprintf(id, sizeof id, "[3,\"%08x-0000-4000-8000-%012x\"", (unsigned)peer->number, peer->sequence);
    if (length < (size_t)size || memcmp(text, id, (size_t)size)) {
        errors++;
        return;
    }
    if (peer->state == BOOTING) {
        peer->state = IDLE, opening--, booted++;
        open_more();
        return;
    }
    peer->state = IDLE;
    if (counting) {
        if (delays == delays_room) {
            delays_room = 2 * delays_room + 65536;
            delays_us = realloc(delays_us, delays_room * sizeof *delays_us);
        }
        delays_us[delays++] = (uint32_t)((now_ns() - peer->sent_ns) / 1000);
    }
    if (running && closed_loop) next_call(peer);
}

/* -- CSMSs ----------------------------------------------------------------------------------------------------- */

static void answer(struct peer *peer, const char *text, size_t length) {
    char reply[512];
    const char *end = length > 5 && text[1] == '2' ? memchr(text + 4, '"', length - 4) : NULL;
    if (end == NULL) return; /* an answer to nobody */
    const char *action = end + 3, *payload = "{}";
    if (!strncmp(action, "BootN", 5))
        payload = "{\"currentTime\":\"2026-01-01T00:00:00Z\",\"interval\":86400,\"status\":\"Accepted\"}";
    else if (!strncmp(action, "Heart", 5))
        payload = "{\"currentTime\":\"2026-01-01T00:00:00Z\"}";
    int size = snprintf(reply, sizeof reply, "[3,%.*s,%s]", (int)(end - text - 2), text + 3, payload);
    put_frame(peer, 1, reply, (size_t)size);
}

static void welcome(struct peer *peer, const char *head) {
    char reply[512], accepted[29];
    const char *key = strcasestr(head, "\r\nsec-websocket-key:");
    if (key == NULL) return drop(peer);
    key += 20 + strspn(key + 20, " ");
    accept_key(key, accepted);
    peer->state = IDLE;
    int size = snprintf(reply, sizeof reply, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
                        "Sec-WebSocket-Protocol: %s\r\n\r\n", accepted, SUBPROTOCOLS[manner]);
    put(peer, reply, (size_t)size);
}

/* -- bytes in -------------------------------------------------------------------------------------------------- */

static size_t take_head(struct peer *peer) {
    peer->buffer[peer->length] = 0;
    char *end = strstr(peer->buffer, "\r\n\r\n");
    if (end == NULL) return 0;
    size_t used = (size_t)(end - peer->buffer) + 4;
    if (peer->role == CSMS) {
        welcome(peer, peer->buffer);
    } else if (strncmp(peer->buffer, "HTTP/1.1 101", 12)) {
        drop(peer);
    } else {
        peer->state = BOOTING;
        ask(peer, "BootNotification", "{\"chargePointVendor\":\"bench\",\"chargePointModel\":\"bench\"}");
    }
    return used;
}

static size_t take_frame(struct peer *peer, unsigned char *at, size_t room) {
    if (room < 2) return 0;
    size_t length = at[1] & 127, head = 2;
    if (length == 126) {
        if (room < 4) return 0;
        length = (size_t)at[2] << 8 | at[3], head = 4;
    }
    int opcode = at[0] & 15, masked = at[1] >> 7;
    head += masked ? 4 : 0;
    if (room < head + length) return 0;
    char *text = (char *)at + head;
    if (masked)
        for (size_t i = 0; i < length; i++) text[i] ^= (char)at[head - 4 + (i & 3)];
    char large[BUFFER];
    size_t size = length;
    if (at[0] & 0x40) size = inflated(text, length, large, sizeof large), text = large;
    if (opcode == 8) {
        put_frame(peer, 8, text, length < 2 ? 0 : 2);
        drop(peer);
    } else if (opcode == 9) {
        put_frame(peer, 10, text, length);
    } else if (opcode == 1) {
        (peer->role == STATION ? answered : answer)(peer, text, size);
    }
    return head + length;
}

static void readable(struct peer *peer) {
    char *to = peer->buffer + peer->length;
    size_t room = sizeof peer->buffer - 1 - peer->length;
    ssize_t got = peer->tls ? tls_recv(peer->tls, to, room) : recv(peer->fd, to, room, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) drop(peer);
        return;
    }
    peer->length += (size_t)got;
    size_t at = 0, used = 1;
    while (used && peer->state != GONE && at < peer->length) {
        used = peer->state <= UPGRADING ? take_head(peer)
                                        : take_frame(peer, (unsigned char *)peer->buffer + at, peer->length - at);
        at += used;
    }
    memmove(peer->buffer, peer->buffer + at, peer->length -= at);
    if (peer->tls && peer->state != GONE && tls_has_more(peer->tls)) readable(peer);
}

static void accept_all(struct peer *listener) {
    int fd, one = 1;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(fd, CSMS, UPGRADING, EPOLLIN);
    }
}

static void due(struct peer *ticks) {
    uint64_t times = 0;
    if (read(ticks->fd, &times, sizeof times) != sizeof times || !running) return;
    for (uint64_t i = 0; i < times && i < 256; i++) {
        for (int tried = 0; tried < station_count; tried++) {
            struct peer *peer = stations[next_station++ % station_count];
            if (peer->state != IDLE) continue; /* slow or gone: the next one's turn */
            next_call(peer);
            break;
        }
    }
}

/* -- windows --------------------------------------------------------------------------------------------------- */

static void run_until(uint64_t end_ns, int *count, int enough) {
    struct epoll_event events[256];
    while ((count == NULL || *count < enough) && now_ns() < end_ns) {
        int n = epoll_wait(poller, events, 256, 10);
        for (int i = 0; i < n; i++) {
            struct peer *peer = events[i].data.ptr;
            if (peer->state == GONE) continue;
            if (peer->role == LISTENER) accept_all(peer);
            else if (peer->role == TICKS) due(peer);
            else if (peer->state <= SECURING) upgrade(peer);
            else readable(peer);
        }
    }
}

static long ticks_of(int pid) { /* user and system time of a process, in clock ticks */
    char name[64], text[1024] = {0};
    long user = 0, system = 0;
    snprintf(name, sizeof name, "/proc/%d/stat", pid);
    FILE *file = fopen(name, "r");
    if (file == NULL) return 0;
    size_t got = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    char *after = got ? strrchr(text, ')') : NULL;
    if (after) sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system);
    return user + system;
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t quantile(double q) { return delays ? delays_us[(size_t)(q * (double)(delays - 1))] : 0; }

static void window(double warm_s, double seconds, int pid, double rate, int timer) {
    struct itimerspec every = {0};
    running = 1, closed_loop = rate == 0, delays = 0, errors = 0;
    if (rate > 0) {
        every.it_interval.tv_nsec = every.it_value.tv_nsec = (long)(1e9 / rate);
        timerfd_settime(timer, 0, &every, NULL);
    } else {
        for (int i = 0; i < station_count; i++)
            if (stations[i]->state == IDLE) next_call(stations[i]);
    }
    run_until(now_ns() + (uint64_t)(warm_s * 1e9), NULL, 0);
    long ticks = ticks_of(pid), own = ticks_of(getpid());
    uint64_t began = now_ns();
    counting = 1;
    run_until(began + (uint64_t)(seconds * 1e9), NULL, 0);
    counting = running = 0;
    double lasted = (double)(now_ns() - began) / 1e9;
    ticks = ticks_of(pid) - ticks, own = ticks_of(getpid()) - own;
    memset(&every, 0, sizeof every);
    timerfd_settime(timer, 0, &every, NULL);
    run_until(now_ns() + 200000000u, NULL, 0);
    qsort(delays_us, delays, sizeof *delays_us, ascending);
    printf("{\"trips\":%zu,\"seconds\":%.6f,\"proxy_ticks\":%ld,\"own_ticks\":%ld,", delays, lasted, ticks, own);
    printf("\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u,", quantile(0.5), quantile(0.99), quantile(1.0));
    printf("\"errors\":%d,\"gone\":%d}\n", errors, failed);
}

static void connect_all(int count, int in_flight) {
    uint64_t began = now_ns();
    wanted = count, in_flight_max = in_flight;
    stations = realloc(stations, (size_t)wanted * sizeof *stations);
    open_more();
    run_until(began + 120000000000u, &booted, wanted);
    printf("{\"connected\":%d,\"seconds\":%.6f,\"failed\":%d}\n", booted, (double)(now_ns() - began) / 1e9, failed);
}

int main(int argc, char **argv) {
    char line[256];
    if (argc < 5) return 2;
    poller = epoll_create1(0);
    proxy_port = atoi(argv[1]), path = argv[2];
    manner = !strcmp(argv[3], "tls") ? TLS : !strcmp(argv[3], "deflate") ? DEFLATE : PLAIN;
    if (!only_plain(manner)) return 3;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    watch(timer, TICKS, IDLE, EPOLLIN);
    for (int i = 4; i < argc; i++) {
        int one = 1, fd = new_socket();
        struct sockaddr_in address = loopback(atoi(argv[i]));
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) die("listen");
        watch(fd, LISTENER, IDLE, EPOLLIN);
    }
    setvbuf(stdin, NULL, _IONBF, 0), setvbuf(stdout, NULL, _IOLBF, 0);
    puts("{\"ready\":true}");
    for (;;) {
        struct timeval none = {0, 1000};
        fd_set input;
        FD_ZERO(&input);
        FD_SET(0, &input);
        if (select(1, &input, NULL, NULL, &none) <= 0) {
            run_until(now_ns() + 2000000u, NULL, 0); /* answer pings and what the proxy asks by itself */
            continue;
        }
        double rate, warm_s, seconds; int count, in_flight, pid;
        if (fgets(line, sizeof line, stdin) == NULL) return 0;
        if (sscanf(line, "connect %d %d", &count, &in_flight) == 2) connect_all(count, in_flight);
        else if (sscanf(line, "closed %lf %lf %d", &warm_s, &seconds, &pid) == 3)
            window(warm_s, seconds, pid, 0, timer);
        else if (sscanf(line, "paced %lf %lf %lf %d", &rate, &warm_s, &seconds, &pid) == 4)
            window(warm_s, seconds, pid, rate, timer);
        else puts("{\"unknown\":true}");
    }
}
