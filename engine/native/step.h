/* One RWKV-6 (x060) step as the engine's Python side sees it. See step.c. */
#ifndef LOFI_STEP_H
#define LOFI_STEP_H

#include <stdint.h>

#define STEP_ABI 2
#define HEAD 64
#define BLOCK 32

/* A matrix of `inputs` x `outputs`. bits 8 or 4: values [outputs, inputs / 32, 32 or 16 bytes] around 128 or 8 and
   scales [outputs, inputs / 32], as MatMulNBits reads them. bits 32: float values [inputs, outputs]. */
typedef struct {
    int32_t inputs, outputs, bits, unused;
    const uint8_t *values;
    const float *scales;
} Product;

typedef struct {
    const float *ln1_weight, *ln1_bias, *ln2_weight, *ln2_bias;
    const float *mix_x;      /* [D] */
    const float *mixes;      /* [5, D] in the order w k v r g */
    const float *decay;      /* [D] */
    const float *bonus;      /* [D] */
    const float *group_weight, *group_bias;
    const float *feed_mixes; /* [2, D]: key, receptance */
    Product mix_low, mix_high[5], decay_low, decay_high;
    Product receptance, key, value, gate, output;
    Product feed_key, feed_receptance, feed_value;
} Layer;

typedef struct {
    int32_t layers, width, hidden, vocabulary, mix_rank, decay_rank;
    const float *embedding; /* [V, D], with ln0 in it */
    const float *out_weight, *out_bias;
    Product head;
    const Layer *layer;
} Model;

#endif
