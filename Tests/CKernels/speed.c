// How fast each path multiplies 128 rows with 1536 × 1536 weights on one thread: best of some runs. Asserts nothing.

#include "CKernelsCheck.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { Rows = 128, Inner = 1536, Columns = 1536, Group = 32, Runs = 9 };

// Processor time: what else the machine does is left out.
static double seconds(void) { return (double)clock() / CLOCKS_PER_SEC; }

static void keepLeast(double *least, double value) {
    if (value < *least) *least = value;
}

void ck_speed(CKKind kind, CKPath path, const char *name) {
    float *a = malloc(Rows * Inner * sizeof *a), *c = malloc(Rows * Columns * sizeof *c);
    // Q4_0 with scales of 2^-7.
    size_t stride = Inner / 32 * 18;
    uint8_t *w = malloc(Columns * stride);
    for (size_t i = 0; i < Rows * Inner; i++) a[i] = (float)(rand() % 2001 - 1000) / 1000;
    for (size_t i = 0; i < Columns * stride; i++) w[i] = i % 18 == 0 ? 0 : i % 18 == 1 ? 0x20 : (uint8_t)rand();
    size_t rowStride = ck_rows_stride(kind, Inner);
    void *rows = malloc(Rows * rowStride), *panel = malloc(ck_panel_size(kind, Inner, Group));
    double packing = 1e9, unpacking = 1e9, multiplying = 1e9;
    for (int run = 0; run < (path == CKPathPlain ? 2 : Runs); run++) {
        double start = seconds(), panels = 0, products = 0;
        ck_pack_rows(kind, path, a, Inner, Rows, Inner, rows, rowStride);
        keepLeast(&packing, seconds() - start);
        for (size_t column = 0; column < Columns; column += Group) {
            double first = seconds();
            ck_panel_transposed(kind, path, 2, w + column * stride, stride, Group, Inner, panel);
            double second = seconds();
            ck_multiply(kind, path, rows, rowStride, Rows, panel, Inner, c + column, Columns, Group, false);
            panels += second - first;
            products += seconds() - second;
        }
        keepLeast(&unpacking, panels);
        keepLeast(&multiplying, products);
    }
    double operations = 2e-9 * Rows * Inner * Columns;
    printf(
        "%s %-12s rows packed in %5.2f ms, weights in %5.2f ms, multiplied in %7.2f ms: %6.1f Gop/s, %6.1f in all\n",
        kind == CKBF16 ? "bf16" : "int8", name, packing * 1e3, unpacking * 1e3, multiplying * 1e3,
        operations / multiplying, operations / (packing + unpacking + multiplying));
    free(a);
    free(c);
    free(w);
    free(rows);
    free(panel);
}
