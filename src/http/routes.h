#pragma once
/* The tables of routes, each in the file of its handlers. */
#include "http/route.h"

extern const struct http_route http_routes_console[], http_routes_upstash[], http_routes_db[],
    http_routes_events[], http_routes_execute[], http_routes_health[], http_routes_openapi[],
    http_routes_path[];
