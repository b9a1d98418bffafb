#pragma once
/* Addresses of sockets as text: "127.0.0.1:6379", "[::1]:6379", "/path:0" for Unix sockets. */
#include <stdbool.h>
#include <sys/socket.h>

#define ADDR_CHARS 128

void addr_print(const struct sockaddr *sa, char out[ADDR_CHARS]);
/* The far and the near end of a connected socket; for a Unix socket both are the path it listens at. */
void addr_print_peer(int fd, char out[ADDR_CHARS]);
void addr_print_local(int fd, char out[ADDR_CHARS]);
bool addr_peer_is_loopback(int fd);
