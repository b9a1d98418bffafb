#include "sim/model.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

void sim_model_init(struct sim_model *m)
{
    *m = (struct sim_model){.pos_cap = 64};
    m->pos = mem_zalloc(m->pos_cap * sizeof(*m->pos));
}

void sim_model_deinit(struct sim_model *m)
{
    mem_free(m->pos);
    mem_free(m->undo);
}

struct slice sim_key_name(int key)
{
    static const char *const names[SIM_KEYS] = {"s0", "s1", "s2", "s3", "s4", "s5", "n0",
                                                "n1", "n2", "t0", "t1", "t2", "l0", "l1",
                                                "l2", "z0", "z1", "h0", "m0"};
    return slice_of(names[key], 2);
}

const struct sim_value *sim_model_get(const struct sim_model *m, int db, int key)
{
    const struct sim_value *v = &m->at[db][key];
    return v->there && (!v->deadline_ms || v->deadline_ms > m->now_ms) ? v : NULL;
}

static struct sim_value *change(struct sim_model *m, int db, int key)
{
    struct sim_value *v = &m->at[db][key];
    if (m->undo_count == m->undo_cap) {
        m->undo_cap = m->undo_cap ? 2 * m->undo_cap : 64;
        m->undo = mem_realloc(m->undo, m->undo_cap * sizeof(*m->undo));
    }
    m->undo[m->undo_count++] = (struct sim_undo){m->version + 1, (uint8_t)db, (uint8_t)key, *v};
    v->version = m->version + 1;
    return v;
}

void sim_model_set(struct sim_model *m, int db, int key, struct slice value, int64_t deadline_ms)
{
    assert(value.len <= SIM_VALUE_MAX);
    if (key >= SIM_LIST && key < SIM_HASH && !m->at[db][key].there) {
        assert(m->made_count < SIM_MADE_MAX);
        m->made[m->made_count++] = (struct sim_made){db, key};
    }
    struct sim_value *v = change(m, db, key);
    char copy[SIM_VALUE_MAX]; /* the value may be its own */
    memcpy(copy, value.ptr, value.len);
    memcpy(v->bytes, copy, value.len);
    v->len = (uint8_t)value.len;
    v->there = true;
    v->deadline_ms = deadline_ms;
}

bool sim_model_delete(struct sim_model *m, int db, int key)
{
    if (!sim_model_get(m, db, key))
        return false;
    change(m, db, key)->there = false;
    return true;
}

void sim_model_flush(struct sim_model *m)
{
    for (int db = 0; db < SIM_DATABASES; db++)
        for (int key = 0; key < SIM_KEYS; key++)
            if (m->at[db][key].there)
                change(m, db, key)->there = false;
}

void sim_model_moved(struct sim_model *m, uint64_t pos)
{
    if (pos == m->pos[m->version - m->first])
        return;
    m->version++;
    if (m->version - m->first == m->pos_cap) {
        m->pos_cap *= 2;
        m->pos = mem_realloc(m->pos, m->pos_cap * sizeof(*m->pos));
    }
    m->pos[m->version - m->first] = pos;
}

void sim_model_rewind(struct sim_model *m, uint64_t pos)
{
    while (m->version > m->first && m->pos[m->version - m->first] > pos)
        m->version--;
    while (m->undo_count > 0 && m->undo[m->undo_count - 1].version > m->version) {
        const struct sim_undo *u = &m->undo[--m->undo_count];
        m->at[u->db][u->key] = u->before;
    }
    m->first = m->version;
    m->pos[0] = pos;
    m->undo_count = 0;
}
