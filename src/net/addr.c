#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

union any_address {
    struct sockaddr sa;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

void addr_print(const struct sockaddr *sa, char out[ADDR_CHARS])
{
    const union any_address *a = (const union any_address *)sa;
    char host[INET6_ADDRSTRLEN];
    switch (sa->sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &a->in4.sin_addr, host, sizeof(host));
        snprintf(out, ADDR_CHARS, "%s:%d", host, ntohs(a->in4.sin_port));
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
        snprintf(out, ADDR_CHARS, "[%s]:%d", host, ntohs(a->in6.sin6_port));
        break;
    case AF_UNIX: snprintf(out, ADDR_CHARS, "%s:0", a->un.sun_path); break;
    default: snprintf(out, ADDR_CHARS, "?:0"); break;
    }
}

void addr_print_local(int fd, char out[ADDR_CHARS])
{
    union any_address a = {0};
    socklen_t len = sizeof(a);
    if (getsockname(fd, &a.sa, &len) == 0)
        addr_print(&a.sa, out);
    else
        snprintf(out, ADDR_CHARS, "?:0");
}

void addr_print_peer(int fd, char out[ADDR_CHARS])
{
    union any_address a = {0};
    socklen_t len = sizeof(a);
    if (getpeername(fd, &a.sa, &len) != 0)
        snprintf(out, ADDR_CHARS, "?:0");
    else if (a.sa.sa_family == AF_UNIX)
        /* Clients of a Unix socket have no name of their own. */
        addr_print_local(fd, out);
    else
        addr_print(&a.sa, out);
}

bool addr_peer_is_loopback(int fd)
{
    union any_address a = {0};
    socklen_t len = sizeof(a);
    if (getpeername(fd, &a.sa, &len) != 0)
        return false;
    if (a.sa.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&a.in6.sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&a.in6.sin6_addr) && a.in6.sin6_addr.s6_addr[12] == 127);
    return a.sa.sa_family == AF_INET && ntohl(a.in4.sin_addr.s_addr) >> 24 == 127;
}
