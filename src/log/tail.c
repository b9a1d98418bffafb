#include "log/tail.h"

#include <stddef.h>

#include "log/files.h"
#include "log/reader.h"

bool tail_counts(const char *dir, const char *next, uint64_t pos)
{
    char path[FILES_PATH_BYTES_MAX];
    struct reader *r = NULL;
    struct reader_batch first;
    struct reader_report report;
    if (!next)
        return true;
    if (!files_path(path, dir, next) || reader_open(&r, path) != ERR_OK)
        return false; /* opening the file to load it will report that */
    enum reader_status status = reader_next(r, &first);
    reader_report(r, &report);
    reader_close(&r);
    return report.sealed ? status == READER_BATCH && first.end_pos > pos : true;
}
