/* The body of step.c, compiled once for each instruction set: KERNEL(name) names its functions. */

static inline lanes_f KERNEL(load)(const float *at) { return *(const lanes_f_loose *)at; }
static inline void KERNEL(store)(float *at, lanes_f value) { *(lanes_f_loose *)at = value; }

static inline float KERNEL(total)(lanes_f value) {
    float part[LANES];
    memcpy(part, &value, sizeof part);
    for (int half = LANES / 2; half; half /= 2)
        for (int lane = 0; lane < half; lane++)
            part[lane] += part[lane + half];
    return part[0];
}

/* exp, within 1e-7 of itself; what would leave the range of float stays at its ends. */
static inline lanes_f KERNEL(exponential)(lanes_f x) {
    const lanes_f high = (lanes_f){} + 88.0f, low = (lanes_f){} - 87.0f;
    lanes_i above = x > high, below = x < low;
    x = (lanes_f)((above & (lanes_i)high) | (below & (lanes_i)low) | (~(above | below) & (lanes_i)x));
    lanes_f shifted = x * 1.44269504088896341f + 12582912.0f; /* rounds to the nearest whole number */
    lanes_f whole = shifted - 12582912.0f;
    lanes_f rest = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    lanes_f y = rest * 1.9875691500e-4f + 1.3981999507e-3f;
    y = y * rest + 8.3334519073e-3f;
    y = y * rest + 4.1665795894e-2f;
    y = y * rest + 1.6666665459e-1f;
    y = y * rest + 5.0000001201e-1f;
    y = y * (rest * rest) + rest + 1.0f;
    lanes_i power = (__builtin_convertvector(whole, lanes_i) + 127) << 23;
    return y * (lanes_f)power;
}

static inline lanes_f KERNEL(sigmoid)(lanes_f x) { return 1.0f / (1.0f + KERNEL(exponential)(-x)); }
static inline lanes_f KERNEL(tangent)(lanes_f x) { return 1.0f - 2.0f / (1.0f + KERNEL(exponential)(x + x)); }

static void KERNEL(norm)(float *out, const float *x, const float *weight, const float *bias, int width, float eps) {
    lanes_f sum = {}, square = {};
    for (int i = 0; i < width; i += LANES)
        sum += KERNEL(load)(x + i);
    float mean = KERNEL(total)(sum) / width;
    for (int i = 0; i < width; i += LANES) {
        lanes_f centred = KERNEL(load)(x + i) - mean;
        square += centred * centred;
    }
    float scale = 1.0f / sqrtf(KERNEL(total)(square) / width + eps);
    for (int i = 0; i < width; i += LANES)
        KERNEL(store)(out + i, (KERNEL(load)(x + i) - mean) * scale * KERNEL(load)(weight + i) + KERNEL(load)(bias + i));
}

#include "products.h"

/* ---- one layer ------------------------------------------------------------------------------------------------ */

/* Numbers of the states that are fetched ahead, half a head. */
#define STATE_AHEAD 2048

/* What one head hears, and its memory one token later. */
static void KERNEL(recall)(float *heard, float *state, const float *r, const float *k, const float *v, const float *w,
                           const float *bonus) {
    lanes_f sum[4] = {}, value[4];
    lanes_f now = {};
    for (int i = 0; i < HEAD; i += LANES)
        now += KERNEL(load)(r + i) * KERNEL(load)(bonus + i) * KERNEL(load)(k + i);
    float share = KERNEL(total)(now);
    for (int j = 0; j < 4; j++)
        value[j] = KERNEL(load)(v + j * LANES);
    for (int i = 0; i < HEAD; i++) {
        float *row = state + i * HEAD;
        for (int j = 0; j < 4; j++) {
            __builtin_prefetch(row + j * LANES + STATE_AHEAD, 1);
            lanes_f old = KERNEL(load)(row + j * LANES);
            sum[j] += old * r[i];
            KERNEL(store)(row + j * LANES, old * w[i] + value[j] * k[i]);
        }
    }
    for (int j = 0; j < 4; j++)
        KERNEL(store)(heard + j * LANES, sum[j] + value[j] * share);
}

#undef STATE_AHEAD

typedef struct {
    float *x, *y, *change, *mixed, *low, *r, *k, *v, *g, *w, *heard, *hidden;
    Packed *q;
} KERNEL(Work);

static void KERNEL(attend)(const Model *m, const Layer *l, KERNEL(Work) *t, int streams, float *before, float *wkv) {
    const int D = m->width, heads = D / HEAD, rank = m->mix_rank;
    for (int b = 0; b < streams; b++) {
        float *y = t->y + b * D, *change = t->change + b * D, *mixed = t->mixed + b * 5 * D;
        KERNEL(norm)(y, t->x + b * D, l->ln1_weight, l->ln1_bias, D, 1e-5f);
        for (int i = 0; i < D; i += LANES) {
            lanes_f now = KERNEL(load)(y + i), c = KERNEL(load)(before + b * D + i) - now;
            KERNEL(store)(before + b * D + i, now);
            KERNEL(store)(change + i, c);
            KERNEL(store)(mixed + i, now + c * KERNEL(load)(l->mix_x + i));
        }
    }
    KERNEL(product)(&l->mix_low, t->low, 5 * rank, t->mixed, 5 * D, streams, t->q);
    for (int i = 0; i < streams * 5 * rank; i += LANES)
        KERNEL(store)(t->low + i, KERNEL(tangent)(KERNEL(load)(t->low + i)));
    for (int c = 0; c < 5; c++)
        KERNEL(product)(&l->mix_high[c], t->mixed + c * D, 5 * D, t->low + c * rank, 5 * rank, streams, t->q);
    for (int b = 0; b < streams; b++)
        for (int c = 0; c < 5; c++) {
            float *mixed = t->mixed + (b * 5 + c) * D;
            for (int i = 0; i < D; i += LANES) {
                lanes_f share = KERNEL(load)(mixed + i) + KERNEL(load)(l->mixes + c * D + i);
                KERNEL(store)(mixed + i, KERNEL(load)(t->y + b * D + i) + KERNEL(load)(t->change + b * D + i) * share);
            }
        }
    /* in the order in which the file holds them: what is fetched ahead at the end of one is the next */
    KERNEL(product)(&l->receptance, t->r, D, t->mixed + 3 * D, 5 * D, streams, t->q);
    KERNEL(product)(&l->key, t->k, D, t->mixed + D, 5 * D, streams, t->q);
    KERNEL(product)(&l->value, t->v, D, t->mixed + 2 * D, 5 * D, streams, t->q);
    KERNEL(product)(&l->gate, t->g, D, t->mixed + 4 * D, 5 * D, streams, t->q);
    KERNEL(product)(&l->decay_low, t->low, m->decay_rank, t->mixed, 5 * D, streams, t->q);
    for (int i = 0; i < streams * m->decay_rank; i += LANES)
        KERNEL(store)(t->low + i, KERNEL(tangent)(KERNEL(load)(t->low + i)));
    KERNEL(product)(&l->decay_high, t->w, D, t->low, m->decay_rank, streams, t->q);
    for (int b = 0; b < streams; b++)
        for (int i = 0; i < D; i += LANES) {
            float *w = t->w + b * D + i;
            KERNEL(store)(w, KERNEL(exponential)(-KERNEL(exponential)(KERNEL(load)(w) + KERNEL(load)(l->decay + i))));
        }
    for (int b = 0; b < streams; b++)
        for (int h = 0; h < heads; h++) {
            const int at = b * D + h * HEAD, own = h * HEAD;
            float *heard = t->heard + at;
            KERNEL(recall)(heard, wkv + (size_t)(b * heads + h) * HEAD * HEAD, t->r + at, t->k + at, t->v + at, t->w + at,
                           l->bonus + own);
            KERNEL(norm)(heard, heard, l->group_weight + own, l->group_bias + own, HEAD, 64e-5f);
            for (int i = 0; i < HEAD; i += LANES) {
                lanes_f gate = KERNEL(load)(t->g + at + i);
                KERNEL(store)(heard + i, KERNEL(load)(heard + i) * gate * KERNEL(sigmoid)(gate));
            }
        }
    KERNEL(product)(&l->output, t->y, D, t->heard, D, streams, t->q);
    for (int i = 0; i < streams * D; i += LANES)
        KERNEL(store)(t->x + i, KERNEL(load)(t->x + i) + KERNEL(load)(t->y + i));
}

static void KERNEL(feed)(const Model *m, const Layer *l, KERNEL(Work) *t, int streams, float *before) {
    const int D = m->width, F = m->hidden;
    for (int b = 0; b < streams; b++) {
        float *y = t->y + b * D, *key = t->mixed + b * 2 * D, *receptance = key + D;
        KERNEL(norm)(y, t->x + b * D, l->ln2_weight, l->ln2_bias, D, 1e-5f);
        for (int i = 0; i < D; i += LANES) {
            lanes_f now = KERNEL(load)(y + i), c = KERNEL(load)(before + b * D + i) - now;
            KERNEL(store)(before + b * D + i, now);
            KERNEL(store)(key + i, now + c * KERNEL(load)(l->feed_mixes + i));
            KERNEL(store)(receptance + i, now + c * KERNEL(load)(l->feed_mixes + D + i));
        }
    }
    KERNEL(product)(&l->feed_key, t->hidden, F, t->mixed, 2 * D, streams, t->q);
    for (int i = 0; i < streams * F; i += LANES) {
        lanes_f h = KERNEL(load)(t->hidden + i);
        h = (lanes_f)((lanes_i)h & (lanes_i)(h > 0.0f));
        KERNEL(store)(t->hidden + i, h * h);
    }
    KERNEL(product)(&l->feed_receptance, t->r, D, t->mixed + D, 2 * D, streams, t->q);
    KERNEL(product)(&l->feed_value, t->v, D, t->hidden, F, streams, t->q);
    for (int i = 0; i < streams * D; i += LANES) {
        lanes_f passed = KERNEL(sigmoid)(KERNEL(load)(t->r + i)) * KERNEL(load)(t->v + i);
        KERNEL(store)(t->x + i, KERNEL(load)(t->x + i) + passed);
    }
}

static void *KERNEL(take)(uint8_t **scratch, size_t bytes) {
    uint8_t *here = (uint8_t *)(((uintptr_t)*scratch + 63) & ~(uintptr_t)63);
    *scratch = here + bytes;
    return here;
}

static void KERNEL(step)(const Model *m, int streams, const int64_t *tokens, float *shift, float *wkv, float *logits,
                         uint8_t *scratch) {
    const int D = m->width, widest = m->hidden > D ? m->hidden : D;
    const size_t row = sizeof(float) * streams * D, memory = (size_t)streams * D * HEAD;
    KERNEL(Work) t;
    float **rows[] = {&t.x, &t.y, &t.change, &t.r, &t.k, &t.v, &t.g, &t.w, &t.heard};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        *rows[i] = KERNEL(take)(&scratch, row);
    t.mixed = KERNEL(take)(&scratch, 5 * row);
    t.low = KERNEL(take)(&scratch, sizeof(float) * streams * (5 * m->mix_rank + m->decay_rank));
    t.hidden = KERNEL(take)(&scratch, sizeof(float) * streams * m->hidden);
    t.q = KERNEL(take)(&scratch, sizeof(Packed) * streams * ((widest + 4 * BLOCK - 1) / (4 * BLOCK)));
    for (int b = 0; b < streams; b++)
        memcpy(t.x + b * D, m->embedding + tokens[b] * D, sizeof(float) * D);
    for (int layer = 0; layer < m->layers; layer++) {
        float *before = shift + (size_t)layer * 2 * streams * D;
        KERNEL(attend)(m, m->layer + layer, &t, streams, before, wkv + layer * memory);
        KERNEL(feed)(m, m->layer + layer, &t, streams, before + streams * D);
    }
    for (int b = 0; b < streams; b++)
        KERNEL(norm)(t.y + b * D, t.x + b * D, m->out_weight, m->out_bias, D, 1e-5f);
    KERNEL(product)(&m->head, logits, m->vocabulary, t.y, D, streams, t.q);
}
