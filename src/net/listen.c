/* Listeners. A change opens the new addresses first and closes the dropped ones last, so that it can be undone. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/addr.h"
#include "net/net_impl.h"

/* Stops accepting until net_cron after accept(2) failed, as for lack of descriptors or memory. The listeners stay
 * readable, so the loop would do nothing but retry. */
static void pause_accepting(struct net *n, int error)
{
    if (!n->accept_failed)
        log_warning(n->logger, "Accepting client connection: accept: %s", strerror(error));
    n->accept_failed = n->accept_paused = true;
    for (int i = 0; i < NET_LISTENERS_MAX; i++)
        if (n->listeners[i].event)
            event_del(n->listeners[i].event);
}

void net_accept_again(struct net *n)
{
    if (!n->accept_paused)
        return;
    n->accept_paused = false;
    for (int i = 0; i < NET_LISTENERS_MAX; i++)
        if (n->listeners[i].event)
            event_add(n->listeners[i].event, NULL);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct net *n = arg;
    bool unix_socket = false, guest = false;
    for (int i = 0; i < NET_LISTENERS_MAX; i++)
        if (n->listeners[i].event && n->listeners[i].fd == fd) {
            unix_socket = n->listeners[i].unix_socket;
            guest = n->listeners[i].guest;
        }
    net_turn_begin(n);
    for (int i = 0; i < NET_ACCEPTS_MAX; i++) {
        int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno != EAGAIN)
                pause_accepting(n, errno);
            return;
        }
        n->accept_failed = false;
        if (guest)
            conn_accept_guest(n, client);
        else
            conn_accept(n, client, unix_socket);
    }
}

static void listener_close(struct listener *l)
{
    if (!l->event)
        return;
    event_free(l->event);
    unix_path_remove(&l->path);
    close(l->fd);
    *l = (struct listener){0};
}

static struct listener *listener_find(struct net *n, const char *name)
{
    for (int i = 0; i < NET_LISTENERS_MAX; i++)
        if (n->listeners[i].event && strcmp(n->listeners[i].name, name) == 0)
            return &n->listeners[i];
    return NULL;
}

/* Takes `fd`, a listening socket; on failure it is closed. */
static enum err listener_add(struct net *n, int fd, const char *name, const struct sockaddr *sa,
                             socklen_t len)
{
    for (int i = 0; i < NET_LISTENERS_MAX; i++) {
        struct listener *l = &n->listeners[i];
        if (l->event)
            continue;
        l->event = event_new(n->base, fd, EV_READ | EV_PERSIST, on_acceptable, n);
        if (!l->event || event_add(l->event, NULL) != 0)
            break;
        l->fd = fd;
        l->unix_socket = sa->sa_family == AF_UNIX;
        memcpy(&l->address, sa, len);
        l->address_len = len;
        snprintf(l->name, sizeof(l->name), "%s", name);
        return ERR_OK;
    }
    close(fd);
    return ERR_FULL;
}

static int open_tcp(const struct sockaddr *sa, socklen_t len, int backlog)
{
    int on = 1, fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (sa->sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, sa, len) != 0 || listen(fd, backlog) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* The addresses of one option: its words, the port of all of them, and whether the guest serves them. */
struct wanted {
    const char *bind;
    unsigned port;
    bool guest;
};

/* A change of the listeners under way: the ones it keeps, opened and closed, so that a failure undoes it as a whole. */
struct change {
    struct net *net;
    const struct net_config *config;
    bool keep[NET_LISTENERS_MAX];
    bool opened[NET_LISTENERS_MAX];
    /* closed to make room; of each, only `name`, the address and `guest` are valid */
    struct listener shelved[NET_LISTENERS_MAX];
    int shelved_count;
    char *error;
};

static void note(struct change *ch, const struct listener *l, bool opened)
{
    long i = l - ch->net->listeners;
    ch->keep[i] = true;
    ch->opened[i] = ch->opened[i] || opened;
}

static in_port_t port_of(const struct sockaddr *sa)
{
    return sa->sa_family == AF_INET    ? ((const struct sockaddr_in *)sa)->sin_port
           : sa->sa_family == AF_INET6 ? ((const struct sockaddr_in6 *)sa)->sin6_port
                                       : 0;
}

/* "*" and "127.0.0.1" overlap at the same port: neither can be opened before the other is closed. Closes the listeners
 * at the port of `sa` that the change does not keep so far; want_address opens them again where the new configuration
 * names them too, put_back where the change fails. True: a listener was closed. */
static bool make_room(struct change *ch, const struct sockaddr *sa)
{
    int before = ch->shelved_count;
    for (int i = 0; i < NET_LISTENERS_MAX; i++) {
        struct listener *l = &ch->net->listeners[i];
        if (!l->event || ch->keep[i] || port_of((struct sockaddr *)&l->address) != port_of(sa))
            continue;
        ch->shelved[ch->shelved_count++] = *l;
        listener_close(l);
    }
    return ch->shelved_count > before;
}

/* The change failed: opens the listeners again that were closed to make room. */
static void put_back(struct change *ch)
{
    for (int i = 0; i < ch->shelved_count; i++) {
        const struct listener *l = &ch->shelved[i];
        const struct sockaddr *sa = (const struct sockaddr *)&l->address;
        int fd = open_tcp(sa, l->address_len, (int)ch->net->config->backlog);
        if (fd >= 0 && listener_add(ch->net, fd, l->name, sa, l->address_len) == ERR_OK)
            listener_find(ch->net, l->name)->guest = l->guest;
        else
            log_warning(ch->net->logger, "Cannot listen at %s again: %s", l->name, strerror(errno));
    }
}

static enum err want_address(struct change *ch, const struct sockaddr *sa, socklen_t len,
                             bool guest)
{
    char name[ADDR_CHARS];
    addr_print(sa, name);
    struct listener *l = listener_find(ch->net, name);
    if (l && l->guest == guest) {
        note(ch, l, false);
        return ERR_OK;
    }
    int fd = open_tcp(sa, len, (int)ch->config->backlog);
    if (fd < 0 && errno == EADDRINUSE && make_room(ch, sa))
        fd = open_tcp(sa, len, (int)ch->config->backlog);
    if (fd < 0) {
        snprintf(ch->error, NET_ERROR_CHARS,
                 "Could not create server TCP listening socket %s: bind: %s", name,
                 strerror(errno));
        return ERR_IO;
    }
    if (listener_add(ch->net, fd, name, sa, len) != ERR_OK) {
        snprintf(ch->error, NET_ERROR_CHARS, "too many addresses to listen at: %s is one too many",
                 name);
        return ERR_FULL;
    }
    l = listener_find(ch->net, name);
    l->guest = guest;
    note(ch, l, true);
    return ERR_OK;
}

/* A host name may resolve to several addresses: the server listens at all of them. */
static enum err want_host(struct change *ch, const struct wanted *w, const char *host, int family)
{
    struct addrinfo hints = {
        .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char port[16];
    snprintf(port, sizeof(port), "%u", w->port);
    int rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0) {
        snprintf(ch->error, NET_ERROR_CHARS, "cannot listen at '%s': %s", host ? host : "*",
                 gai_strerror(rc));
        return ERR_IO;
    }
    enum err e = ERR_OK;
    for (struct addrinfo *a = found; a && e == ERR_OK; a = a->ai_next)
        e = want_address(ch, a->ai_addr, a->ai_addrlen, w->guest);
    freeaddrinfo(found);
    return e;
}

/* "*" is every IPv4 address, "::*" every IPv6 one. With "-" in front, the address may be missing on this machine. */
static enum err want_word(struct change *ch, const struct wanted *w, const char *word)
{
    bool optional = word[0] == '-';
    const char *host = word + (optional ? 1 : 0);
    enum err e;
    if (strcmp(host, "*") == 0)
        e = want_host(ch, w, NULL, AF_INET);
    else if (strcmp(host, "::*") == 0)
        e = want_host(ch, w, NULL, AF_INET6);
    else
        e = want_host(ch, w, host, AF_UNSPEC);
    if (e == ERR_IO && optional &&
        (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT || errno == ENOENT))
        e = ERR_OK;
    return e;
}

static enum err want_bind(struct change *ch, const struct wanted *w)
{
    char *words = mem_strdup(w->bind ? w->bind : ""), *rest = words;
    enum err e = ERR_OK;
    for (char *word; w->port && e == ERR_OK && (word = strsep(&rest, " "));) {
        errno = 0;
        if (*word)
            e = want_word(ch, w, word);
    }
    mem_free(words);
    return e;
}

static enum err want_unix(struct change *ch)
{
    const char *path = ch->config->unix_path;
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct listener *l = listener_find(ch->net, path);
    if (l) {
        note(ch, l, false);
        return ERR_OK;
    }
    struct unix_options o = {
        .path = path, .mode = (unsigned)ch->config->unix_mode, .backlog = (int)ch->config->backlog};
    struct unix_path taken;
    int fd = unix_path_listen(&taken, &o, ch->error, NET_ERROR_CHARS);
    if (fd < 0)
        return ERR_IO;
    if (listener_add(ch->net, fd, path, (struct sockaddr *)&sa, sizeof(sa)) != ERR_OK) {
        unix_path_remove(&taken);
        snprintf(ch->error, NET_ERROR_CHARS, "too many addresses to listen at: %s is one too many",
                 path);
        return ERR_FULL;
    }
    listener_find(ch->net, path)->path = taken;
    note(ch, listener_find(ch->net, path), true);
    return ERR_OK;
}

enum err net_configure(struct net *n, const struct net_config *c, char error[NET_ERROR_CHARS])
{
    struct change ch = {.net = n, .config = c, .error = error};
    bool own = c->http_bind && c->http_bind[0];
    const struct wanted resp = {.bind = c->bind, .port = c->port};
    const struct wanted http = {
        .bind = own ? c->http_bind : c->bind, .port = c->http_port, .guest = true};
    enum err e = want_bind(&ch, &resp);
    if (e == ERR_OK)
        e = want_bind(&ch, &http);
    if (e == ERR_OK && c->unix_path && c->unix_path[0])
        e = want_unix(&ch);
    for (int i = 0; i < NET_LISTENERS_MAX; i++)
        if (e == ERR_OK ? !ch.keep[i] : ch.opened[i])
            listener_close(&n->listeners[i]);
    if (e != ERR_OK)
        put_back(&ch);
    return e;
}

static int list_names(const struct net *n, bool guest, char out[][128], int max)
{
    int count = 0;
    for (int i = 0; i < NET_LISTENERS_MAX && count < max; i++)
        if (n->listeners[i].event && n->listeners[i].guest == guest)
            snprintf(out[count++], sizeof(out[0]), "%s", n->listeners[i].name);
    return count;
}

int net_listening(const struct net *n, char out[][128], int max)
{
    return list_names(n, false, out, max);
}

int net_guest_listening(const struct net *n, char out[][128], int max)
{
    return list_names(n, true, out, max);
}

void net_stop_accepting(struct net *n)
{
    for (int i = 0; i < NET_LISTENERS_MAX; i++)
        listener_close(&n->listeners[i]);
}
