// Counts the heap by standing before glibc's allocator: what a parser allocates at most is then a figure, not a guess.

#include "CFuzz.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static atomic_long live;
static atomic_long peak;

static void *took(void *block) {
    if (block == NULL) return NULL;
    long size = (long)malloc_usable_size(block);
    long now = atomic_fetch_add(&live, size) + size;
    long seen = atomic_load(&peak);
    while (now > seen && !atomic_compare_exchange_weak(&peak, &seen, now)) {
    }
    return block;
}

static void gave(void *block) {
    if (block != NULL) atomic_fetch_sub(&live, (long)malloc_usable_size(block));
}

void *malloc(size_t size) { return took(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return took(__libc_calloc(count, size)); }
void *memalign(size_t alignment, size_t size) { return took(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return took(__libc_memalign(alignment, size)); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    void *found = took(__libc_memalign(alignment, size));
    if (found == NULL) return ENOMEM;
    *block = found;
    return 0;
}

void *realloc(void *block, size_t size) {
    long before = block == NULL ? 0 : (long)malloc_usable_size(block);
    void *moved = __libc_realloc(block, size);
    // Where it fails, the old block stays; where size is 0, it may have been freed.
    if (moved != NULL || size == 0) atomic_fetch_sub(&live, before);
    return took(moved);
}

void free(void *block) {
    gave(block);
    __libc_free(block);
}

long fuzz_heap_bytes(void) { return atomic_load(&live); }
long fuzz_heap_peak(void) { return atomic_load(&peak); }
void fuzz_reset_heap_peak(void) { atomic_store(&peak, atomic_load(&live)); }
