#include "CGuard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { slotCount = 16, removedLimit = 2 };

typedef struct {
    int descriptor;
    size_t count[2];
    uint8_t text[2][CGTextLimit];
} Report;

typedef struct {
    // 0 free, 1 being filled, 2 watched. The handler looks at nothing else of a slot that is not watched.
    atomic_int state;
    uintptr_t start;
    size_t byteCount;
    int exitStatus;
    atomic_uint_fast64_t step;
    Report record, message;
    char removed[removedLimit][CGPathLimit];
} Slot;

// A process has one table of signal handlers, so this state is one per process too.
static Slot slots[slotCount];
static pthread_mutex_t handlers = PTHREAD_MUTEX_INITIALIZER;
static int watched;
static struct sigaction formerSegment, formerBus;
static atomic_flag leaving = ATOMIC_FLAG_INIT;
static atomic_bool recovers;

// MARK: Maps whose lost pages become zeros

struct CGMap {
    // 0 free, 1 being filled, 2 watched. The handler looks at nothing else of a map that is not watched.
    atomic_int state;
    uintptr_t start;
    size_t byteCount;
    char path[CGPathLimit];
    atomic_bool isCut;
    CGMap *next;
};

// Maps are added in front and never leave the list, so the handler can walk it at any moment; freed ones serve again.
static _Atomic(CGMap *) maps;
static char cutPath[CGPathLimit];
static atomic_flag isCutTaken = ATOMIC_FLAG_INIT;
static atomic_bool isCutTold;

/// Puts zeros in the place of the page at `address` and of all behind it, which a file that was cut no longer has.
/// `mmap` is a plain system call here; POSIX does not list it as async-signal-safe, and every system that has it lets a
/// handler call it.
static bool putZeros(uintptr_t address) {
    for (CGMap *map = atomic_load_explicit(&maps, memory_order_acquire); map; map = map->next) {
        if (atomic_load_explicit(&map->state, memory_order_acquire) != 2) continue;
        if (address < map->start || address - map->start >= map->byteCount) continue;
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        uintptr_t first = address / page * page;
        size_t count = map->start + map->byteCount - first;
        if (mmap((void *)first, count, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
            return false;
        }
        atomic_store(&map->isCut, true);
        if (!atomic_flag_test_and_set(&isCutTaken)) {
            memcpy(cutPath, map->path, CGPathLimit);
            atomic_store(&isCutTold, true);
        }
        return true;
    }
    return false;
}

// MARK: In the handler: async-signal-safe calls only (POSIX.1-2017, 2.4.3)

static void writeAll(int descriptor, const uint8_t *bytes, size_t count) {
    while (count > 0) {
        ssize_t done = write(descriptor, bytes, count);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return;
        bytes += done;
        count -= (size_t)done;
    }
}

static size_t digits(uint64_t number, uint8_t *out) {
    uint8_t reversed[20];
    size_t count = 0;
    do {
        reversed[count++] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t index = 0; index < count; index++) out[index] = reversed[count - 1 - index];
    return count;
}

// The process ends here, and one thread alone comes here, so one buffer does; a small signal stack would not hold it.
static uint8_t told[CGTextLimit + 512];

static void tell(const Report *report, int kind, uint64_t offset, uint64_t step) {
    if (report->descriptor < 0) return;
    size_t count = 0;
    for (size_t index = 0; index < report->count[kind] && count + 20 < sizeof told; index++) {
        uint8_t byte = report->text[kind][index];
        switch (byte) {
        case CGFieldOffset: count += digits(offset, told + count); break;
        case CGFieldStep: count += digits(step, told + count); break;
        case CGFieldTime: count += digits((uint64_t)time(NULL), told + count); break;
        default: told[count++] = byte;
        }
    }
    writeAll(report->descriptor, told, count);
}

static void leave(Slot *slot, int kind, uint64_t offset) {
    // Several workers read the same file: the first to fault tells, the others wait for the end.
    if (atomic_flag_test_and_set(&leaving)) {
        for (;;) pause();
    }
    uint64_t step = atomic_load(&slot->step);
    tell(&slot->record, kind, offset, step);
    if (slot->record.descriptor >= 0) fsync(slot->record.descriptor);
    for (int index = 0; index < removedLimit; index++) {
        if (slot->removed[index][0] != 0) unlink(slot->removed[index]);
    }
    tell(&slot->message, kind, offset, step);
    _exit(slot->exitStatus);
}

static void passOn(int signal, siginfo_t *info, void *context) {
    const struct sigaction *former = signal == SIGBUS ? &formerBus : &formerSegment;
    if (former->sa_flags & SA_SIGINFO) {
        former->sa_sigaction(signal, info, context);
    } else if (former->sa_handler != SIG_DFL && former->sa_handler != SIG_IGN) {
        former->sa_handler(signal);
    } else if (info->si_code > 0 || former->sa_handler == SIG_DFL) {
        // The default ends the process: at once for a signal that was sent, else when the instruction is tried again.
        struct sigaction end;
        memset(&end, 0, sizeof end);
        end.sa_handler = SIG_DFL;
        sigaction(signal, &end, NULL);
        if (info->si_code <= 0) raise(signal);
    }
}

static void onFault(int signal, siginfo_t *info, void *context) {
    int error = errno;
    // Signals that somebody sent carry no address.
    if (info->si_code > 0) {
        uintptr_t address = (uintptr_t)info->si_addr;
        for (int index = 0; index < slotCount; index++) {
            Slot *slot = &slots[index];
            if (atomic_load_explicit(&slot->state, memory_order_acquire) != 2) continue;
            // The map can be read, so a segment fault inside it is a write; a bus error is a page that did not come.
            if (address >= slot->start && address - slot->start < slot->byteCount) {
                leave(slot, signal == SIGBUS, address - slot->start);
            }
        }
        if (signal == SIGBUS && atomic_load(&recovers) && putZeros(address)) {
            errno = error;
            return;
        }
    }
    passOn(signal, info, context);
    errno = error;
}

// MARK: Outside it

static bool copyReport(Report *to, const CGReport *from) {
    to->descriptor = from ? from->descriptor : -1;
    to->count[0] = from ? from->writeFaultCount : 0;
    to->count[1] = from ? from->busErrorCount : 0;
    if (to->count[0] > CGTextLimit || to->count[1] > CGTextLimit) return false;
    if (to->count[0] > 0) memcpy(to->text[0], from->writeFault, to->count[0]);
    if (to->count[1] > 0) memcpy(to->text[1], from->busError, to->count[1]);
    return true;
}

static int install(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = onFault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGSEGV, &action, &formerSegment) != 0) return -errno;
    if (sigaction(SIGBUS, &action, &formerBus) != 0) {
        int error = errno;
        sigaction(SIGSEGV, &formerSegment, NULL);
        return -error;
    }
    return 0;
}

int cg_watch(
    const void *start, size_t byteCount, int exitStatus, const CGReport *record, const CGReport *message,
    const char *const *removed) {
    int index = 0;
    for (; index < slotCount; index++) {
        int isFree = 0;
        if (atomic_compare_exchange_strong(&slots[index].state, &isFree, 1)) break;
    }
    if (index == slotCount) return -EBUSY;
    Slot *slot = &slots[index];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    slot->start = (uintptr_t)start;
    slot->byteCount = (byteCount + page - 1) / page * page;
    slot->exitStatus = exitStatus;
    atomic_store(&slot->step, 0);
    int result = copyReport(&slot->record, record) && copyReport(&slot->message, message) ? 0 : -E2BIG;
    memset(slot->removed, 0, sizeof slot->removed);
    for (int place = 0; removed && removed[place] && result == 0; place++) {
        if (place == removedLimit || strlen(removed[place]) >= CGPathLimit) {
            result = -E2BIG;
        } else {
            strcpy(slot->removed[place], removed[place]);
        }
    }
    if (result == 0) {
        pthread_mutex_lock(&handlers);
        if (watched == 0) result = install();
        if (result == 0) watched++;
        pthread_mutex_unlock(&handlers);
    }
    atomic_store_explicit(&slot->state, result == 0 ? 2 : 0, memory_order_release);
    return result == 0 ? index : result;
}

void cg_reached(int slot, uint64_t step) {
    if (slot >= 0 && slot < slotCount) atomic_store(&slots[slot].step, step);
}

void cg_release(int slot) {
    if (slot < 0 || slot >= slotCount) return;
    atomic_store(&slots[slot].state, 0);
    pthread_mutex_lock(&handlers);
    if (--watched == 0) {
        sigaction(SIGSEGV, &formerSegment, NULL);
        sigaction(SIGBUS, &formerBus, NULL);
    }
    pthread_mutex_unlock(&handlers);
}

// MARK: Traps

enum { trapCount = 3 };
static const int traps[trapCount] = {SIGILL, SIGTRAP, SIGABRT};
static struct sigaction formerTraps[trapCount];
static atomic_int trapping;
static int trapDescriptor, trapStatus;
static size_t trapTextCount;
static uint8_t trapText[CGTextLimit];

static void onTrap(int signal) {
    (void)signal;
    if (atomic_flag_test_and_set(&leaving)) {
        for (;;) pause();
    }
    writeAll(trapDescriptor, trapText, trapTextCount);
    _exit(trapStatus);
}

int cg_trap(int descriptor, const uint8_t *text, size_t count, int exitStatus) {
    if (count > CGTextLimit) return -E2BIG;
    int isFree = 0;
    if (!atomic_compare_exchange_strong(&trapping, &isFree, 1)) return -EBUSY;
    trapDescriptor = descriptor;
    trapStatus = exitStatus;
    trapTextCount = count;
    if (count > 0) memcpy(trapText, text, count);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = onTrap;
    action.sa_flags = SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (int index = 0; index < trapCount; index++) {
        if (sigaction(traps[index], &action, &formerTraps[index]) != 0) {
            int error = errno;
            while (--index >= 0) sigaction(traps[index], &formerTraps[index], NULL);
            atomic_store(&trapping, 0);
            return -error;
        }
    }
    return 0;
}

void cg_untrap(void) {
    if (atomic_load(&trapping) == 0) return;
    for (int index = 0; index < trapCount; index++) sigaction(traps[index], &formerTraps[index], NULL);
    atomic_store(&trapping, 0);
}
int cg_recover(void) {
    int result = 0;
    pthread_mutex_lock(&handlers);
    if (!atomic_load(&recovers)) {
        // One more watch, and one that does not end.
        if (watched == 0) result = install();
        if (result == 0) {
            watched++;
            atomic_store(&recovers, true);
        }
    }
    pthread_mutex_unlock(&handlers);
    return result;
}

CGMap *cg_map_add(const void *start, size_t byteCount, const char *path) {
    CGMap *map = atomic_load(&maps);
    for (; map; map = map->next) {
        int isFree = 0;
        if (atomic_compare_exchange_strong(&map->state, &isFree, 1)) break;
    }
    if (!map) {
        map = calloc(1, sizeof *map);
        if (!map) return NULL;
        atomic_store(&map->state, 1);
        map->next = atomic_load(&maps);
        while (!atomic_compare_exchange_weak(&maps, &map->next, map)) {}
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    map->start = (uintptr_t)start;
    map->byteCount = (byteCount + page - 1) / page * page;
    strncpy(map->path, path, CGPathLimit - 1);
    map->path[CGPathLimit - 1] = 0;
    atomic_store(&map->isCut, false);
    atomic_store_explicit(&map->state, 2, memory_order_release);
    return map;
}

bool cg_map_is_cut(const CGMap *map) { return atomic_load(&map->isCut); }

void cg_map_remove(CGMap *map) { atomic_store(&map->state, 0); }

const char *cg_cut_path(void) { return atomic_load(&isCutTold) ? cutPath : NULL; }
