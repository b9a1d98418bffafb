/* Any file is read to an end, its unsealed tail too, and says the same a second time; a sealed one
 * gives out nothing that its seals do not cover before that. The input is the file; where its first byte is odd, every
 * seal in it is first made to fit, so that what lies behind checksums is reached. */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log/format.h"
#include "log/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_seals_fit(char *text, size_t len)
{
    char *batch = text, *p = text;
    while ((p = memmem(p, (size_t)(text + len - p), "#SEAL pos=", 10)) &&
           (size_t)(text + len - p) >= SEAL_BYTES) {
        char crc[9];
        snprintf(crc, sizeof(crc), "%08x", crc32c(0, batch, (size_t)(p - batch) + SEAL_CRC_AT));
        memcpy(p + SEAL_CRC_AT, crc, 8);
        p = batch = p + SEAL_BYTES;
    }
}

struct sum {
    uint64_t batches, commands, good_bytes;
    uint32_t crc;
    enum reader_status status;
};

/* With a place of its own, which the reader takes. */
static int open_again(int fd)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int own = open(path, O_RDONLY | O_CLOEXEC);
    assert(own >= 0);
    return own;
}

static struct sum read_all(int fd, uint64_t size)
{
    struct sum sum = {0};
    struct reader *r;
    struct reader_batch b;
    struct reader_report report;
    int own = open_again(fd);
    enum err e = reader_open_fd(&r, own);
    assert(e == ERR_OK);
    while ((sum.status = reader_next(r, &b)) == READER_BATCH ||
           (sum.status == READER_TORN && reader_read_tail(r))) {
        if (sum.status == READER_TORN)
            continue;
        assert(b.at >= sum.good_bytes); /* more: annotations at the end of a plain part */
        for (size_t i = 0; i < b.count; i++) {
            assert(b.commands[i].argc > 0);
            for (int k = 0; k < b.commands[i].argc; k++)
                sum.crc = crc32c(sum.crc, b.commands[i].argv[k].ptr, b.commands[i].argv[k].len);
        }
        sum.batches++;
        sum.commands += b.count;
        reader_report(r, &report);
        assert(report.good_bytes > sum.good_bytes && report.good_bytes <= size);
        sum.good_bytes = report.good_bytes;
    }
    reader_report(r, &report);
    assert(report.file_bytes == size && sum.status != READER_IO);
    assert(sum.status != READER_END || report.good_bytes == size);
    assert(sum.status != READER_DAMAGED || report.bad_at < size);
    assert((sum.status == READER_END) == (report.error[0] == 0));
    reader_close(&r);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (size == 0)
        return 0;
    bool fit = data[0] & 1;
    data++, size--;
    char *text = malloc(size + 1);
    assert(text);
    memcpy(text, data, size);
    if (fit)
        make_seals_fit(text, size);
    if (fd < 0)
        fd = memfd_create("aof", MFD_CLOEXEC);
    bool written = ftruncate(fd, 0) == 0 && pwrite(fd, text, size, 0) == (ssize_t)size;
    assert(written);
    free(text);

    struct sum first = read_all(fd, size), again = read_all(fd, size);
    assert(memcmp(&first, &again, sizeof(first)) == 0);
    /* What was good is good alone. */
    if (first.good_bytes > 0 && first.good_bytes < size) {
        int rc = ftruncate(fd, (off_t)first.good_bytes);
        assert(rc == 0);
        struct sum part = read_all(fd, first.good_bytes);
        assert(part.commands == first.commands && part.crc == first.crc);
        assert(part.status == READER_END);
    }
    return 0;
}
