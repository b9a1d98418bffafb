#pragma once
/* How often each kind of error was replied: INFO errorstats. */
struct engine;
struct resp_writer;

/* Counts the latest error of a writer under its code. Codes beyond ENGINE_ERROR_CODES_MAX are counted together. */
void engine_count_error(struct engine *e, const struct resp_writer *w);
