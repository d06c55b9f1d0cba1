/* One choice among the tokens that are allowed: softmax, top-p, top-k, temperature last, and the draw.

   Step for step what engine/sampling.py does in numpy, so that both choose the same: the exponential is our own, because
   those of libraries differ in the last bit from machine to machine, and every sum goes from left to right.
   Knows nothing about models, files or Python. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define TERMS 13
static const double LOG2_E = 0x1.71547652b82fep+0;
static const double LN2_HIGH = 0x1.62e42feep-1, LN2_LOW = 0x1.a39ef35793c76p-33;
static const double ROUNDER = 0x1.8p52; /* a number added to it is rounded to a whole one, halves to even */
static const double LEAST = -700.0;     /* e to that is nothing beside 1 */
static const double TAYLOR[TERMS + 1] = {
    1.0,          1.0,           1.0 / 2,        1.0 / 6,         1.0 / 24,         1.0 / 120,         1.0 / 720,
    1.0 / 5040,   1.0 / 40320,   1.0 / 362880,   1.0 / 3628800,   1.0 / 39916800,   1.0 / 479001600,   1.0 / 6227020800,
};

typedef union {
    double number;
    uint64_t bits;
} Bits;

/* e to the power of x, for x from -infinity to 0. */
static inline double exponential(double x) {
    double clamped = x < LEAST ? LEAST : x;
    Bits doublings = {.number = clamped * LOG2_E + ROUNDER};
    double whole = doublings.number - ROUNDER;
    double rest = (clamped - whole * LN2_HIGH) - whole * LN2_LOW;
    double value = TAYLOR[TERMS];
    for (int term = TERMS - 1; term >= 0; term--)
        value = value * rest + TAYLOR[term];
    Bits scale = {.bits = (doublings.bits + 1023) << 52};
    return x < LEAST ? 0.0 : value * scale.number;
}

/* As many at once as the machine can: each is computed as it is alone. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
static void exponentials(double *out, const double *x, int32_t count) {
    for (int32_t place = 0; place < count; place++)
        out[place] = exponential(x[place]);
}

/* Let the value at `place` sink until nothing below it is larger. */
static void sink(double *heap, int32_t size, int32_t place) {
    double value = heap[place];
    for (int32_t below; (below = 2 * place + 1) < size; place = below) {
        below += below + 1 < size && heap[below + 1] > heap[below];
        if (heap[below] <= value)
            break;
        heap[place] = heap[below];
    }
    heap[place] = value;
}

/* The smallest chance that is kept: of the fewest large ones that make `enough` together, at most `most` of them. */
static double least_kept(double *heap, int32_t count, double enough, int32_t most) {
    for (int32_t place = count / 2 - 1; place >= 0; place--)
        sink(heap, count, place);
    double sum = 0.0;
    for (int32_t size = count; size > 1 && most > 1; most--) {
        sum += heap[0];
        if (sum >= enough)
            break;
        heap[0] = heap[--size];
        sink(heap, size, 0);
    }
    return heap[0];
}

/* Return the chosen index, or -1 if none is allowed. `drawn` is from [0, 1); scratch holds 4 x count numbers. */
int32_t choose(const float *logits, const uint8_t *allowed, int32_t count, double temperature, double top_p,
               int32_t top_k, double drawn, double *scratch) {
    double *values = scratch, *chances = values + count, *others = chances + count;
    int32_t *places = (int32_t *)(others + count);
    int32_t open = 0, best = 0;
    for (int32_t index = 0; index < count; index++) {
        uint64_t eight;
        if (index % 8 == 0 && index + 8 <= count && (memcpy(&eight, allowed + index, 8), !eight)) {
            index += 7; /* most of a vocabulary is out of the question */
            continue;
        }
        if (!allowed[index])
            continue;
        values[open] = isnan(logits[index]) ? -INFINITY : logits[index];
        best = values[open] > values[best] ? open : best;
        places[open++] = index;
    }
    if (!open)
        return -1;
    double highest = values[best], total = 0.0, enough;
    if (temperature == 0 || !isfinite(highest))
        return places[best];
    for (int32_t place = 0; place < open; place++)
        values[place] -= highest;
    exponentials(chances, values, open);
    for (int32_t place = 0; place < open; place++)
        total += chances[place];
    double least = 0.0;
    if (top_p < 1 || (0 < top_k && top_k < open)) {
        memcpy(others, chances, (size_t)open * sizeof *others);
        enough = top_p < 1 ? top_p * total : INFINITY;
        least = least_kept(others, open, enough, 0 < top_k ? top_k : open);
    }
    int32_t kept = 0;
    for (int32_t place = 0; place < open; place++) {
        int32_t keeps = chances[place] >= least;
        values[kept] = temperature == 1 ? values[place] : values[place] / temperature;
        chances[kept] = chances[place];
        places[kept] = places[place];
        kept += keeps;
    }
    if (temperature != 1) /* where it is 1 they are known */
        exponentials(chances, values, kept);
    double reached = 0.0;
    for (int32_t place = 0; place < kept; place++)
        chances[place] = reached += chances[place];
    double goal = drawn * reached;
    int32_t place = 0;
    while (place < kept - 1 && chances[place] <= goal)
        place++;
    return places[place];
}
