#pragma once
/* `corsac --check-aof PATH [--fix | --rebuild-manifest | --truncate-to-timestamp T]`. */

/* argv[1] is --check-aof. Prints its findings; the exit status is as in log/check.h. */
int check_aof_main(int argc, char **argv);
