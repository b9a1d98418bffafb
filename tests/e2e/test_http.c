/* HTTP as a client in C sees it: requests over a socket, answers byte by byte. */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "e2e/server.h"

#define ANSWER_BYTES_MAX (256 * 1024)
#define PATIENCE_S       60

static struct srv *server;
static int http_port;
static char answer[ANSWER_BYTES_MAX];

static int dial(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

static void say(int fd, const char *text)
{
    size_t len = strlen(text);
    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Reads one answer, whose length is told; returns its body. */
static const char *hear(int fd, int status)
{
    size_t got = 0;
    char *end = NULL;
    long left = -1;
    while (left != 0) {
        ssize_t n = recv(fd, answer + got, left < 0 ? 1 : (size_t)left, 0);
        assert_true(n > 0);
        got += (size_t)n;
        assert_true(got < sizeof(answer));
        answer[got] = '\0';
        if (left > 0) {
            left -= n;
        } else if ((end = strstr(answer, "\r\n\r\n"))) {
            const char *length = strstr(answer, "\r\nContent-Length: ");
            left = length ? atol(length + 18) : 0;
        }
    }
    if (atoi(answer + 9) != status)
        fail_msg("%d is expected: %s", status, answer);
    return end + 4;
}

static const char *ask(const char *text, int status)
{
    int fd = dial();
    say(fd, text);
    const char *body = hear(fd, status);
    close(fd);
    return body;
}

#define HOST "Host: localhost\r\n"
#define JSON HOST "Content-Type: application/json\r\n"

static void test_keys(void **state)
{
    (void)state;
    ask("PUT /db/c%20k HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nvalue", 200);
    assert_string_equal(ask("GET /db/c%20k HTTP/1.1\r\n" HOST "\r\n", 200), "value");
    ask("DELETE /db/c%20k HTTP/1.1\r\n" HOST "\r\n", 200);
    assert_string_equal(ask("GET /db/c%20k HTTP/1.1\r\n" HOST "\r\n", 404),
                        "{\"error\":\"ERR no such key\"}");
    ask("PATCH /db/k HTTP/1.1\r\n" HOST "\r\n", 405);
}

/* The body of an answer to a POST of JSON. */
static const char *post(const char *path, const char *body, int status)
{
    char text[1024];
    snprintf(text, sizeof(text), "POST %s HTTP/1.1\r\n" JSON "Content-Length: %zu\r\n\r\n%s", path,
             strlen(body), body);
    return ask(text, status);
}

static void test_commands(void **state)
{
    (void)state;
    assert_string_equal(post("/", "[\"SET\",\"k\",\"v\"]", 200), "{\"result\":\"OK\"}");
    assert_string_equal(ask("GET /get/k HTTP/1.1\r\n" HOST "\r\n", 200), "{\"result\":\"v\"}");
    assert_string_equal(
        post("/pipeline", "[[\"GET\",\"k\"],[\"INCR\",\"k\"]]", 200),
        "[{\"result\":\"v\"},{\"error\":\"ERR value is not an integer or out of range\"}]");
    assert_string_equal(
        post("/multi-exec", "[[\"GET\",\"k\"],[\"GET\"]]", 400),
        "{\"error\":\"EXECABORT Transaction discarded because of previous errors.\"}");
}

/* Sent in one piece: answered in order, each as it is asked. */
static void test_sent_ahead(void **state)
{
    (void)state;
    int fd = dial();
    say(fd, "GET /echo/1 HTTP/1.1\r\n" HOST "\r\nGET /echo/2 HTTP/1.1\r\n" HOST
            "\r\nGET /none/3 HTTP/1.1\r\n" HOST "\r\nGET /echo/4 HTTP/1.1\r\n" HOST
            "Connection: close\r\n\r\n");
    assert_string_equal(hear(fd, 200), "{\"result\":\"1\"}");
    assert_string_equal(hear(fd, 200), "{\"result\":\"2\"}");
    hear(fd, 403); /* nobody knows whether it would change something */
    assert_string_equal(hear(fd, 200), "{\"result\":\"4\"}");
    assert_int_equal(recv(fd, answer, 1, 0), 0);
    close(fd);
}

static void test_refused(void **state)
{
    (void)state;
    ask("GET / HTTP/3.0\r\n" HOST "\r\n", 505);
    ask("POST / HTTP/1.1\r\n" JSON "Content-Length: 1\r\nContent-Length: 2\r\n\r\n[]", 400);
    ask("POST / HTTP/1.1\r\n" JSON "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n[]",
        400);
    ask("POST / HTTP/1.1\r\n" JSON "Content-Length: 1\r\n\r\n[", 400);
    ask("POST / HTTP/1.1\r\n" HOST "Content-Length: 15\r\n\r\n[\"SET\",\"k\",\"v\"]", 403);
    ask("GET /get/k HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403);
    ask("GET /get/%zz HTTP/1.1\r\n" HOST "\r\n", 400);
}

static int start(void **state)
{
    char options[64];
    http_port = srv_free_port();
    snprintf(options, sizeof(options), "--bind 127.0.0.1 --http-port %d", http_port);
    *state = server = srv_start(options);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    srv_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_sent_ahead),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
