#pragma once
/* The subcommands of LATENCY that write reports: advice, a graph, histograms of commands. */
struct cmd_ctx;

void latency_cmd_doctor(struct cmd_ctx *c);
void latency_cmd_graph(struct cmd_ctx *c);
void latency_cmd_histogram(struct cmd_ctx *c);
