#include "http/routes.h"

#include <stddef.h>

/* In the order of the search: the table that takes any path comes last. */
const struct http_route *const http_route_tables[] = {
    http_routes_console, http_routes_upstash, http_routes_db,
    http_routes_events,  http_routes_execute, http_routes_health,
    http_routes_openapi, http_routes_path,    NULL,
};
