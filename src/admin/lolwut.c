/* A corsac fox, sitting in the steppe under stars that never stand in the same place twice. */
#include "engine/version.h"
#include "admin/lolwut.h"

#include <string.h>

#define SKY_COLUMNS  44
#define SKY_ROWS     5
#define STARS        14
#define STEPPE_TUFTS 12

/* clang-format off */
static const char *const fox[] = {
    "     /\\___/\\",
    "    (  o o  )             .~~~~.",
    "     \\  v  /_____________/   _.'",
    "      '---'              \\_.'",
    "       |   .---------.   |",
    "       |  ||         |  ||",
    "       |__||         |__||",
};
/* clang-format on */

static void draw_sky(struct rng *rng, struct buf *out)
{
    static const char stars[] = ".*'+";
    char sky[SKY_ROWS][SKY_COLUMNS];
    memset(sky, ' ', sizeof(sky));
    for (int i = 0; i < STARS; i++)
        sky[rng_below(rng, SKY_ROWS)][rng_below(rng, SKY_COLUMNS)] =
            stars[rng_below(rng, sizeof(stars) - 1)];
    for (int row = 0; row < SKY_ROWS; row++) {
        int len = SKY_COLUMNS;
        while (len > 0 && sky[row][len - 1] == ' ')
            len--;
        buf_append(out, sky[row], (size_t)len);
        buf_append_char(out, '\n');
    }
}

static void draw_steppe(struct rng *rng, struct buf *out)
{
    static const char *const tufts[] = {"\\|/", "_,_", "___", "_\"_", "vv_", "__."};
    for (int i = 0; i < STEPPE_TUFTS; i++)
        buf_append_cstr(out, tufts[rng_below(rng, sizeof(tufts) / sizeof(tufts[0]))]);
    buf_append_char(out, '\n');
}

void lolwut_draw(int64_t version, struct rng *rng, struct buf *out)
{
    if (version != 1)
        draw_sky(rng, out);
    for (size_t i = 0; i < sizeof(fox) / sizeof(fox[0]); i++)
        buf_printf(out, "%s\n", fox[i]);
    if (version != 1)
        draw_steppe(rng, out);
    buf_printf(out, "\nSpeaks as Redis ver. %s\nCorsac ver. %s\n", ENGINE_REDIS_VERSION,
               corsac_version);
}
