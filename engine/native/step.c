/* One step of RWKV-6 (x060) for several streams at once, on one core: every product, norm and state update of a token in
   one call, so that nothing but the weights' way from memory is left to wait for. States change in place.

   The same source is compiled for three instruction sets and chosen when it is first used. All of them add in the same
   order (sixteen lanes, no contraction), so the logits are the same bit for bit on every machine.
   Knows nothing about files, music or Python. */

#include "step.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define LANES 16
typedef float lanes_f __attribute__((vector_size(64)));
typedef int32_t lanes_i __attribute__((vector_size(64)));
typedef float lanes_f_loose __attribute__((vector_size(64), aligned(4), may_alias));

/* Four blocks of activations of one stream, ready for an integer product. The groups of all streams lie side by side:
   where a product knows how many there are, one address and constants reach them all. */
typedef struct {
    int8_t bytes[4 * BLOCK];   /* the first halves of the blocks, then the second ones; a half is in the order of the file,
                                  which for 4 bits is that of the nibbles */
    int32_t correction[LANES]; /* -zero point x sum of eight bytes, four a block */
    float scales[LANES];       /* a block's scale, once for each of its four lanes */
} Packed;

#define KERNEL(name) name##_portable
#include "kernel.h"
#undef KERNEL

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define HAS_AVX2 1
#define KERNEL(name) name##_avx2
#include "kernel.h"
#undef KERNEL
#undef HAS_AVX2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,prefer-vector-width=512")
#define HAS_VNNI 1
#define KERNEL(name) name##_vnni
#include "kernel.h"
#undef KERNEL
#undef HAS_VNNI
#pragma GCC pop_options
#endif

int32_t step_abi(void) { return STEP_ABI; }

/* Bytes of scratch memory that a step of so many streams needs. */
int64_t step_scratch_bytes(const Model *model, int32_t streams) {
    int64_t widest = model->hidden > model->width ? model->hidden : model->width;
    int64_t floats = 16 * (int64_t)model->width + model->hidden + model->mix_rank * 5 + model->decay_rank;
    int64_t quantised = (widest + 4 * BLOCK - 1) / (4 * BLOCK) * (int64_t)sizeof(Packed);
    return streams * (floats * 4 + quantised + 64 * 32) + 64 * 64;
}

/* Which instruction set is used: 2 AVX-512 VNNI, 1 AVX2, 0 none in particular. `most` lowers it, for tests. */
int32_t step_kind(int32_t most) {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (most >= 2 && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        return 2;
    if (most >= 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return 1;
#endif
    return 0;
}

/* One more token in each stream. shift [layers, 2, streams, D] and wkv [layers, streams, heads, 64, 64] change in place;
   logits [streams, V]. Tokens must be rows of the table: the caller checks. */
void step(const Model *model, int32_t kind, int32_t streams, const int64_t *tokens, float *shift, float *wkv,
          float *logits, uint8_t *scratch) {
#if defined(__x86_64__) && defined(__GNUC__)
    if (kind == 2) {
        step_vnni(model, streams, tokens, shift, wkv, logits, scratch);
        return;
    }
    if (kind == 1) {
        step_avx2(model, streams, tokens, shift, wkv, logits, scratch);
        return;
    }
#endif
    step_portable(model, streams, tokens, shift, wkv, logits, scratch);
}
