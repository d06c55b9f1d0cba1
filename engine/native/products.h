/* Products of few-bit weights and activations for kernel.h, once for each instruction set: KERNEL(name) names its
   functions. Every one of them adds in the same order: sixteen lanes, then total(). */

/* A block of activations as whole numbers, to its place (0 to 3) in a group. */
static inline void KERNEL(pack)(Packed *to, int place, lanes_i first, lanes_i second, float scale, int bits) {
    int8_t *half = to->bytes + place * (BLOCK / 2);
#if defined(HAS_VNNI)
    __m512i one = (__m512i)first, two = (__m512i)second;
    if (bits == 4) { /* low nibbles are the even inputs of a block, high ones the odd */
        const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
        one = _mm512_permutex2var_epi32((__m512i)first, even, (__m512i)second);
        two = _mm512_permutex2var_epi32((__m512i)first, _mm512_or_si512(even, _mm512_set1_epi32(1)), (__m512i)second);
    }
    const __m128i low = _mm512_cvtepi32_epi8(one), high = _mm512_cvtepi32_epi8(two);
    const __m128i zero = _mm_set1_epi8(bits == 8 ? (char)128 : 8), none = _mm_setzero_si128();
    const __m128i sum = _mm_dpbusd_epi32(_mm_dpbusd_epi32(none, zero, low), zero, high);
    _mm_storeu_si128((void *)half, low);
    _mm_storeu_si128((void *)(half + 2 * BLOCK), high);
    _mm_storeu_si128((void *)(to->correction + place * 4), _mm_sub_epi32(none, sum));
    _mm_storeu_ps(to->scales + place * 4, _mm_set1_ps(scale));
#else
    const int zero = bits == 8 ? 128 : 8;
    int32_t whole[BLOCK];
    memcpy(whole, &first, 64);
    memcpy(whole + LANES, &second, 64);
    int8_t bytes[BLOCK];
    if (bits == 8)
        for (int i = 0; i < BLOCK; i++)
            bytes[i] = (int8_t)whole[i];
    else
        for (int i = 0; i < BLOCK / 2; i++) { /* low nibbles are the even inputs of a block, high ones the odd */
            bytes[i] = (int8_t)whole[2 * i];
            bytes[BLOCK / 2 + i] = (int8_t)whole[2 * i + 1];
        }
    memcpy(half, bytes, BLOCK / 2);
    memcpy(half + 2 * BLOCK, bytes + BLOCK / 2, BLOCK / 2);
    for (int lane = 0; lane < 4; lane++) {
        const int8_t *low = bytes + lane * 4, *high = low + BLOCK / 2;
        int32_t sum = low[0] + low[1] + low[2] + low[3] + high[0] + high[1] + high[2] + high[3];
        to->correction[place * 4 + lane] = -zero * sum;
        to->scales[place * 4 + lane] = scale;
    }
#endif
}

/* One stream's activations to its groups, which lie `stride` apart. */
static void KERNEL(quantise)(Packed *to, int stride, const float *x, int inputs, int bits) {
    const int blocks = inputs / BLOCK;
    for (int block = 0; block < blocks; block++, x += BLOCK) {
        lanes_f first = KERNEL(load)(x), second = KERNEL(load)(x + LANES);
        lanes_i mask = (lanes_i){} + 0x7fffffff;
        lanes_i a = (lanes_i)first & mask, b = (lanes_i)second & mask; /* magnitudes order as whole numbers do */
        lanes_i most = a > b;
        most = (most & a) | (~most & b);
#if defined(HAS_VNNI)
        int32_t top = _mm512_reduce_max_epi32((__m512i)most);
#else
        int32_t part[LANES], top = 0;
        memcpy(part, &most, sizeof part);
        for (int lane = 0; lane < LANES; lane++)
            top = part[lane] > top ? part[lane] : top;
#endif
        float largest;
        memcpy(&largest, &top, 4);
        float scale = largest / 127.0f, inverse = largest > 1e-30f ? 127.0f / largest : 0.0f;
        lanes_i one = __builtin_convertvector((first * inverse + 12582912.0f) - 12582912.0f, lanes_i);
        lanes_i two = __builtin_convertvector((second * inverse + 12582912.0f) - 12582912.0f, lanes_i);
        for (int place = block % 4; place < (blocks == 1 ? 4 : block % 4 + 1); place++) /* a lone one: for four rows at once */
            KERNEL(pack)(to + block / 4 * stride, place, one, two, scale, bits);
    }
    for (int block = blocks; blocks > 1 && block % 4; block++) /* what a group of four lacks is nothing */
        KERNEL(pack)(to + block / 4 * stride, block % 4, (lanes_i){}, (lanes_i){}, 0.0f, bits);
}

#if defined(HAS_VNNI)
/* Bytes of weights that are fetched ahead. What the hardware fetches by itself stops at the end of each page: at 20x512
   a step took 4.7 ms without, 3.7 with (4 bit: 3.4 and 2.4); 4 and 16 KB are a few percent worse. */
#define AHEAD 8192

typedef struct {
    __m512i low, high;
    __m512 scale;
} KERNEL(Group);

typedef struct {
    __m512i low, high, correction;
    __m512 scales;
} KERNEL(Heard);

/* A group of activations in registers: left to itself the compiler reads it again for each row, and loads are the limit. */
static inline __attribute__((always_inline)) KERNEL(Heard) KERNEL(hear)(const Packed *x) {
    KERNEL(Heard) heard = {_mm512_load_si512(x->bytes), _mm512_load_si512(x->bytes + 2 * BLOCK),
                           _mm512_load_si512(x->correction), _mm512_load_ps(x->scales)};
    __asm__("" : "+v"(heard.low), "+v"(heard.high), "+v"(heard.correction), "+v"(heard.scales));
    return heard;
}

/* Four blocks of 32 weights by four of activations: what they add to a row's sixteen lanes. */
static inline __attribute__((always_inline)) __m512 KERNEL(add)(__m512 sum, const KERNEL(Group) *w, const KERNEL(Heard) *x) {
    __m512i dot = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(x->correction, w->low, x->low), w->high, x->high);
    __m512 real = _mm512_mul_ps(_mm512_cvtepi32_ps(dot), x->scales);
    return _mm512_add_ps(sum, _mm512_mul_ps(real, w->scale));
}

/* The first `blocks` of four blocks of a row; the rest is nothing. */
static inline __attribute__((always_inline)) KERNEL(Group) KERNEL(open)(const uint8_t *from, const float *scales,
                                                                        const int bits, const int blocks) {
    const __m512i spread = _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
    __m128 four = blocks == 4 ? _mm_loadu_ps(scales) : _mm_maskz_loadu_ps((1u << blocks) - 1, scales);
    KERNEL(Group) group = {.scale = _mm512_permutexvar_ps(spread, _mm512_castps128_ps512(four))};
    if (bits == 8) {
        const __mmask64 kept = blocks == 4 ? ~0ull : (1ull << blocks % 2 * BLOCK) - 1;
        __m512i one = blocks >= 2 ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi8(kept, from);
        __m512i two = blocks == 4  ? _mm512_loadu_si512(from + 2 * BLOCK)
                      : blocks > 2 ? _mm512_maskz_loadu_epi8(kept, from + 2 * BLOCK)
                                   : _mm512_setzero_si512();
        group.low = _mm512_shuffle_i64x2(one, two, 0x88);
        group.high = _mm512_shuffle_i64x2(one, two, 0xdd);
    } else {
        __m512i packed = blocks == 4 ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi8((1ull << blocks * 16) - 1, from);
        group.low = _mm512_and_si512(packed, _mm512_set1_epi8(15));
        group.high = _mm512_and_si512(_mm512_srli_epi16(packed, 4), _mm512_set1_epi8(15));
    }
    return group;
}

/* The last vectors of the order of total(), for several sums at once: each call adds the halves of what it is given. */
static inline __m512 KERNEL(eights)(__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
}
static inline __m512 KERNEL(fours)(__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
}
static inline __m512 KERNEL(twos)(__m512 a, __m512 b) {
    __m512d c = _mm512_castps_pd(a), d = _mm512_castps_pd(b);
    return _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(c, d)), _mm512_castpd_ps(_mm512_unpackhi_pd(c, d)));
}
static inline __m512 KERNEL(ones)(__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
}
/* Four sums as the four quarters of a vector, each folded to four numbers. */
static inline __m512 KERNEL(quarters)(const __m512 *s) {
    return KERNEL(fours)(KERNEL(eights)(s[0], s[1]), KERNEL(eights)(s[2], s[3]));
}

/* The totals of a tile, to their places: sum[row][stream] where there are two rows, sum[stream][row] where four. */
static inline __attribute__((always_inline)) void KERNEL(settle)(const __m512 *sum, float *out, size_t stride,
                                                                 const int rows, const int streams) {
    const __m512i gather = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 13, 9, 5, 1, 12, 8, 4, 0);
    __m512 first = KERNEL(quarters)(sum), second = rows * streams > 4 ? KERNEL(quarters)(sum + streams * rows / 2) : first;
    __m512 whole;
    if (streams == 8) {
        first = KERNEL(twos)(first, second);
        second = KERNEL(twos)(KERNEL(quarters)(sum + 4), KERNEL(quarters)(sum + 12));
        whole = KERNEL(ones)(first, second); /* quarter q: two rows of stream q, then of stream q + 4 */
    } else {
        first = KERNEL(twos)(first, second);
        whole = KERNEL(ones)(first, first);
    }
    if (rows == 4) {
        whole = _mm512_permutexvar_ps(gather, whole);
        _mm_storeu_ps(out, _mm512_castps512_ps128(whole));
        if (streams == 2)
            _mm_storeu_ps(out + stride, _mm512_extractf32x4_ps(whole, 1));
        return;
    }
    __m128 quarter[4] = {_mm512_castps512_ps128(whole), _mm512_extractf32x4_ps(whole, 1),
                         _mm512_extractf32x4_ps(whole, 2), _mm512_extractf32x4_ps(whole, 3)};
    for (int b = 0; b < 4; b++) {
        _mm_storel_pi((void *)(out + b * stride), quarter[b]);
        if (streams == 8)
            _mm_storeh_pi((void *)(out + (b + 4) * stride), quarter[b]);
    }
}

/* Some rows of weights by some streams; `bits`, `rows` and `streams` are constants where this is called. Two rows by eight
   streams, like four by one or two, leave all sums and one stream's activations in the 32 registers: a weight is opened
   once for all streams, an activation read once for all rows. */
static inline __attribute__((always_inline)) void KERNEL(tile)(const Product *p, int n, float *out, size_t out_stride,
                                                               const Packed *x, size_t x_stride, const int bits,
                                                               const int rows, const int streams) {
    const int inputs = p->inputs, blocks = inputs / BLOCK;
    const size_t row_bytes = (size_t)inputs * bits / 8;
    const uint8_t *w = p->values + n * row_bytes;
    const float *s = p->scales + (size_t)n * blocks;
    __m512 sum[16];
    KERNEL(Group) open[4];
    for (int row = 0; row < rows; row++)
        _mm_prefetch((const char *)(s + (size_t)row * blocks) + AHEAD / 4, _MM_HINT_T0);
#pragma GCC unroll 16
    for (int i = 0; i < rows * streams; i++)
        sum[i] = _mm512_setzero_ps();
    for (int left = blocks; left > 0; left -= 4, w += 4 * BLOCK * bits / 8, s += 4, x += x_stride) {
        if (left >= 4) {
#pragma GCC unroll 4
            for (int row = 0; row < rows; row++) {
                const uint8_t *from = w + row * row_bytes;
                open[row] = KERNEL(open)(from, s + (size_t)row * blocks, bits, 4);
                if (streams < 8) {
                    _mm_prefetch((const char *)from + AHEAD, _MM_HINT_T0);
                    if (bits == 8)
                        _mm_prefetch((const char *)from + 2 * BLOCK + AHEAD, _MM_HINT_T0);
                }
            }
        } else {
#pragma GCC unroll 4
            for (int row = 0; row < rows; row++)
                open[row] = KERNEL(open)(w + row * row_bytes, s + (size_t)row * blocks, bits, left);
        }
#pragma GCC unroll 8
        for (int b = 0; b < streams; b++) {
            const KERNEL(Heard) heard = KERNEL(hear)(x + b);
#pragma GCC unroll 4
            for (int row = 0; row < rows; row++) {
                const int i = rows == 2 ? row * streams + b : b * rows + row;
                sum[i] = KERNEL(add)(sum[i], open + row, &heard);
            }
        }
    }
    if (streams == 8) /* at one go while the sums settle: between the products they are in the way of other loads */
        for (size_t k = 0; k < rows * row_bytes; k += 64)
            _mm_prefetch((const char *)p->values + n * row_bytes + k + AHEAD, _MM_HINT_T0);
    KERNEL(settle)(sum, out + n, out_stride, rows, streams);
}

/* Rows of one block: a group of weights is four of them, with four lanes each; what the others would hold is nothing. */
static inline __attribute__((always_inline)) void KERNEL(narrow)(const Product *p, float *out, size_t out_stride,
                                                                 const Packed *x, const int bits, int streams) {
    const __m512i gather = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    for (int n = 0; n < p->outputs; n += 16) {
        KERNEL(Group) open[4];
        for (int four = 0; four < 4; four++)
            open[four] = KERNEL(open)(p->values + (size_t)(n + 4 * four) * BLOCK * bits / 8, p->scales + n + 4 * four, bits, 4);
        for (int b = 0; b < streams; b++) {
            const KERNEL(Heard) heard = KERNEL(hear)(x + b);
            __m512 sum[4];
            for (int four = 0; four < 4; four++)
                sum[four] = KERNEL(add)(_mm512_setzero_ps(), open + four, &heard);
            __m512 whole = KERNEL(ones)(KERNEL(twos)(sum[0], sum[1]), KERNEL(twos)(sum[2], sum[3]));
            _mm512_storeu_ps(out + b * out_stride + n, _mm512_permutexvar_ps(gather, whole));
        }
    }
}

static inline __attribute__((always_inline)) void KERNEL(rows)(const Product *p, float *out, size_t out_stride,
                                                               const Packed *x, const int bits, int streams) {
    if (p->inputs == BLOCK) {
        KERNEL(narrow)(p, out, out_stride, x, bits, streams);
        return;
    }
    for (int n = 0; n < p->outputs; n += 4) {
        int b = 0;
        for (; b + 8 <= streams; b += 8)
            for (int row = n; row < n + 4; row += 2)
                KERNEL(tile)(p, row, out + b * out_stride, out_stride, x + b, streams, bits, 2, 8);
        for (; b + 4 <= streams; b += 4)
            for (int row = n; row < n + 4; row += 2)
                KERNEL(tile)(p, row, out + b * out_stride, out_stride, x + b, streams, bits, 2, 4);
        for (; b + 2 <= streams; b += 2)
            KERNEL(tile)(p, n, out + b * out_stride, out_stride, x + b, streams, bits, 4, 2);
        if (b < streams)
            KERNEL(tile)(p, n, out + b * out_stride, out_stride, x + b, streams, bits, 4, 1);
    }
}
#undef AHEAD
#elif defined(HAS_AVX2)
/* A block of 32 weights by one of activations: eight whole numbers. */
static inline __m256i KERNEL(block)(__m256i weights, const Packed *x, int place) {
    /* weights are whole numbers around nothing here, of at most 127: two products fit 16 bits */
    const int8_t *from = x->bytes + place * (BLOCK / 2);
    __m256i bytes = _mm256_loadu2_m128i((const void *)(from + 2 * BLOCK), (const void *)from);
    __m256i two = _mm256_maddubs_epi16(_mm256_abs_epi8(bytes), _mm256_sign_epi8(weights, bytes));
    return _mm256_madd_epi16(two, _mm256_set1_epi16(1));
}

/* What two blocks add to eight of a row's lanes. */
static inline __m256 KERNEL(pair)(__m256 sum, __m256i one, __m256i two, const float *scales, __m256 scale) {
    __m256i dot = _mm256_add_epi32(_mm256_permute2x128_si256(one, two, 0x20), _mm256_permute2x128_si256(one, two, 0x31));
    __m256 real = _mm256_mul_ps(_mm256_cvtepi32_ps(dot), _mm256_loadu_ps(scales));
    return _mm256_add_ps(sum, _mm256_mul_ps(real, scale));
}

static inline __m256i KERNEL(weights)(const uint8_t *w, int at, int bits) {
    if (bits == 8)
        return _mm256_xor_si256(_mm256_loadu_si256((const void *)(w + at)), _mm256_set1_epi8((char)0x80));
    __m128i packed = _mm_loadu_si128((const void *)(w + at / 2)), mask = _mm_set1_epi8(15);
    __m256i both = _mm256_set_m128i(_mm_and_si128(_mm_srli_epi16(packed, 4), mask), _mm_and_si128(packed, mask));
    return _mm256_sub_epi8(both, _mm256_set1_epi8(8));
}

static inline float KERNEL(row)(const uint8_t *w, const float *s, const Packed *x, int stride, int inputs, int bits) {
    __m256 sums[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (int at = 0, half = 0; at < inputs; at += 2 * BLOCK, half ^= 1, s += 2) {
        const int both = at + BLOCK < inputs;
        const Packed *from = x + at / (4 * BLOCK) * stride;
        __m256i one = KERNEL(block)(KERNEL(weights)(w, at, bits), from, 2 * half);
        __m256i two = both ? KERNEL(block)(KERNEL(weights)(w, at + BLOCK, bits), from, 2 * half + 1) : _mm256_setzero_si256();
        __m256 scale = _mm256_set_m128(_mm_set1_ps(both ? s[1] : 0.0f), _mm_set1_ps(s[0]));
        sums[half] = KERNEL(pair)(sums[half], one, two, from->scales + 8 * half, scale);
    }
    float lanes[LANES];
    _mm256_storeu_ps(lanes, sums[0]);
    _mm256_storeu_ps(lanes + 8, sums[1]);
    return KERNEL(total)(KERNEL(load)(lanes));
}

#else
static inline float KERNEL(row)(const uint8_t *w, const float *s, const Packed *x, int stride, int inputs, int bits) {
    float sum[LANES] = {0};
    for (int block = 0; block < inputs / BLOCK; block++) {
        const uint8_t *from = w + block * (bits == 8 ? BLOCK : BLOCK / 2);
        uint8_t open[BLOCK];
        if (bits == 8)
            memcpy(open, from, BLOCK);
        else
            for (int i = 0; i < BLOCK / 2; i++) {
                open[i] = from[i] & 15;
                open[BLOCK / 2 + i] = from[i] >> 4;
            }
        const Packed *group = x + block / 4 * stride;
        const int8_t *bytes = group->bytes + block % 4 * (BLOCK / 2);
        for (int lane = 0; lane < 4; lane++) {
            int32_t dot = group->correction[block % 4 * 4 + lane];
            for (int i = lane * 4; i < lane * 4 + 4; i++)
                dot += (int32_t)open[i] * bytes[i] + (int32_t)open[BLOCK / 2 + i] * bytes[2 * BLOCK + i];
            sum[block % 4 * 4 + lane] += (float)dot * group->scales[block % 4 * 4 + lane] * s[block];
        }
    }
    return KERNEL(total)(KERNEL(load)(sum));
}

#endif

#if !defined(HAS_VNNI)
static inline __attribute__((always_inline)) void KERNEL(rows)(const Product *p, float *out, size_t out_stride,
                                                               const Packed *x, const int bits, int streams) {
    const size_t row_bytes = (size_t)p->inputs * bits / 8;
    for (int n = 0; n < p->outputs; n++)
        for (int b = 0; b < streams; b++)
            out[b * out_stride + n] = KERNEL(row)(p->values + n * row_bytes, p->scales + (size_t)n * (p->inputs / BLOCK),
                                                  x + b, streams, p->inputs, bits);
}
#endif

static void KERNEL(exact)(const Product *p, float *out, const float *x) {
    memset(out, 0, sizeof(float) * p->outputs);
    for (int k = 0; k < p->inputs; k++) {
        const float *row = (const float *)p->values + (size_t)k * p->outputs;
        for (int n = 0; n < p->outputs; n += LANES)
            KERNEL(store)(out + n, KERNEL(load)(out + n) + KERNEL(load)(row + n) * x[k]);
    }
}

/* out [streams, outputs] of x [streams, inputs]; strides in floats. A row of weights is read from memory once for all. */
static void KERNEL(product)(const Product *p, float *out, int out_stride, const float *x, int x_stride, int streams,
                            Packed *q) {
    if (p->bits == 32) {
        for (int stream = 0; stream < streams; stream++)
            KERNEL(exact)(p, out + (size_t)stream * out_stride, x + (size_t)stream * x_stride);
        return;
    }
    for (int stream = 0; stream < streams; stream++)
        KERNEL(quantise)(q + stream, streams, x + (size_t)stream * x_stride, p->inputs, p->bits);
    if (p->bits == 8)
        KERNEL(rows)(p, out, out_stride, q, 8, streams);
    else
        KERNEL(rows)(p, out, out_stride, q, 4, streams);
}
