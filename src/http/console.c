/* The console: a page for a browser, inside the binary. Its files lie in http/console/; the Makefile rebuilds this one
 * when they change. They load nothing from other servers, and use POST /pipeline as any client may.
 *
 * The files hold no data and change none, so they are served without a token; the page asks for the password. */
#include <stdio.h>

#include "base/xxh3.h"
#include "http/request.h"

/* Embeds the bytes of a file; the assembler looks for it from the root of the repository. */
#define EMBED(symbol, file)                                                \
    extern const char console_##symbol[], console_##symbol##_end[];        \
    __asm__(".pushsection .rodata\n"                                       \
            ".globl console_" #symbol ", console_" #symbol "_end\n"        \
            "console_" #symbol ": .incbin \"src/http/console/" file "\"\n" \
            "console_" #symbol "_end: .byte 0\n"                           \
            ".popsection\n");
#define ROW(symbol, file_) \
    {.name = (file_), .bytes = console_##symbol, .end = console_##symbol##_end},

#define FILES(X)               \
    X(index, "index.html")     \
    X(api, "api.js")           \
    X(app, "app.js")           \
    X(bytes, "bytes.js")       \
    X(chart, "chart.js")       \
    X(cli, "cli.js")           \
    X(clients, "clients.js")   \
    X(dom, "dom.js")           \
    X(format, "format.js")     \
    X(icon, "icon.svg")        \
    X(keys, "keys.js")         \
    X(overview, "overview.js") \
    X(reply, "reply.js")       \
    X(ring, "ring.js")         \
    X(samples, "samples.js")   \
    X(slowlog, "slowlog.js")   \
    X(style, "style.css")      \
    X(values, "values.js")

FILES(EMBED)

struct file {
    const char *name, *bytes, *end;
};

static const struct file files[] = {FILES(ROW)};

/* The content type, by the name's extension. */
static const char *type_of(const char *name)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(strrchr(name, '.'), types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

/* Lets the page load its own files and ask its own server, and nothing else. Scripts, styles and handlers within the
 * page's text do not run, so that the content of a key cannot become one; no other page can put this one into a
 * frame. */
#define POLICY                                                                  \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static void send_file(struct http_request *r, const struct file *f)
{
    struct slice bytes = slice_of(f->bytes, (size_t)(f->end - f->bytes));
    char etag[24];
    snprintf(etag, sizeof(etag), "\"%016llx\"", (unsigned long long)xxh3_64(bytes));
    http_set_header(r, "Content-Security-Policy", POLICY);
    http_set_header(r, "Referrer-Policy", "no-referrer");
    http_set_header(r, "Cross-Origin-Opener-Policy", "same-origin");
    http_set_header(r, "Cross-Origin-Resource-Policy", "same-origin");
    /* The browser asks again each time, as the server may have been upgraded; mostly the answer is 304. */
    http_set_header(r, "Cache-Control", "no-cache");
    if (!http_reply_unchanged(r, etag))
        http_reply_static(r, 200, type_of(f->name), bytes);
}

static void handle_page(struct http_request *r)
{
    send_file(r, &files[0]);
}

static void handle_file(struct http_request *r)
{
    for (size_t i = 1; i < sizeof(files) / sizeof(files[0]); i++)
        if (slice_is(http_param(r, 0), files[i].name)) {
            send_file(r, &files[i]);
            return;
        }
    http_reply_error(r, 404, "ERR there is no such file");
}

const struct http_route http_routes_console[] = {
    {.methods = HTTP_GET,
     .path = "/",
     .fn = handle_page,
     .flags = HTTP_OPEN | HTTP_SIMPLE,
     .summary = "The console, a page for a browser",
     .produces = "text/html"},
    {.methods = HTTP_GET,
     .path = "/console/{file}",
     .fn = handle_file,
     .flags = HTTP_OPEN | HTTP_SIMPLE,
     .summary = "A file of the console",
     .produces = "text/javascript",
     .example_path = "/console/app.js"},
    {.path = NULL},
};
