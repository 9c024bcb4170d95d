/* The answer to a WebSocket opening handshake's key: SHA-1 and base64 (RFC 6455, 4.2.2), which passwords go in, too. */
#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static uint32_t rotated(uint32_t x, int n) { return (x << n) | (x >> (32 - n)); }

static void sha1(const unsigned char *text, size_t length, unsigned char digest[20]) { /* length below 120 */
    unsigned char blocks[128] = {0};
    size_t size = length < 56 ? 64 : 128;
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    memcpy(blocks, text, length);
    blocks[length] = 0x80;
    blocks[size - 2] = (unsigned char)(length * 8 >> 8);
    blocks[size - 1] = (unsigned char)(length * 8);
    for (size_t at = 0; at < size; at += 64) {
        uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 16; i++) memcpy(&w[i], blocks + at + 4 * i, 4), w[i] = ntohl(w[i]);
        for (int i = 16; i < 80; i++) w[i] = rotated(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        for (int i = 0; i < 80; i++) {
            uint32_t f = i < 20              ? (b & c) | (~b & d)
                         : i >= 40 && i < 60 ? (b & c) | (b & d) | (c & d)
                                             : b ^ c ^ d;
            uint32_t k = i < 20 ? 0x5A827999 : i < 40 ? 0x6ED9EBA1 : i < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
            uint32_t t = rotated(a, 5) + f + e + k + w[i];
            e = d, d = c, c = rotated(b, 30), b = a, a = t;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    for (int i = 0; i < 5; i++) h[i] = htonl(h[i]);
    memcpy(digest, h, 20);
}

static void base64(const unsigned char *bytes, size_t length, char *out) { /* out has room for 4 of each 3, and a 0 */
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t size = 0;
    for (size_t at = 0; at < length; at += 3) {
        uint32_t three = (uint32_t)bytes[at] << 16 | (uint32_t)(at + 1 < length ? bytes[at + 1] : 0) << 8 |
                         (at + 2 < length ? bytes[at + 2] : 0);
        for (size_t j = 0; j < 4; j++) out[size++] = at + j > length ? '=' : digits[three >> (18 - 6 * j) & 63];
    }
    out[size] = 0;
}

static void accept_key(const char *key, char out[29]) {
    unsigned char text[64], digest[20];
    memcpy(text, key, 24);
    memcpy(text + 24, GUID, 36);
    sha1(text, 60, digest);
    base64(digest, 20, out);
}
