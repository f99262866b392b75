// The processor's own report of a touch that a read-only map forbids or a medium can no longer serve. C, because a
// signal handler may run in the middle of anything: it must not allocate, lock, or enter a runtime.

#ifndef POLYMATH_CGUARD_H
#define POLYMATH_CGUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// In a text, these bytes stand for a number that is known only at the fault.
enum { CGFieldOffset = 1, CGFieldStep = 2, CGFieldTime = 3 };

/// Longest text and path that are taken, in bytes.
enum { CGTextLimit = 4096, CGPathLimit = 1024 };

/// What is written to one descriptor: a text per kind of fault. A negative descriptor is passed over.
typedef struct {
    int descriptor;
    const uint8_t *writeFault;
    size_t writeFaultCount;
    const uint8_t *busError;
    size_t busErrorCount;
} CGReport;

/// Watches `byteCount` bytes at `start`, up to the end of their last page.
///
/// A fault there writes the record, then the message, syncs the record, unlinks `removed` and leaves with `exitStatus`.
/// A fault elsewhere, or a signal that somebody sent, goes to whoever handled it before.
/// - record, message: copied; what happens at the fault needs nothing of the caller's.
/// - removed: paths that are unlinked, for instance a file that is not to be believed; NULL ends the list; at most 2.
/// Returns a slot from 0 up, or a negative errno: EBUSY with all slots taken, E2BIG for a long text or path.
int cg_watch(
    const void *start, size_t byteCount, int exitStatus, const CGReport *record, const CGReport *message,
    const char *const *removed);

/// The step that a report names.
void cg_reached(int slot, uint64_t step);

/// Ends the watch; after the last one the former handlers are back.
void cg_release(int slot);

/// From now on an instruction that must not be reached (SIGILL, SIGTRAP), or an abort, writes `text` to `descriptor` and
/// leaves with `exitStatus`: for work in a library that gives up on foreign input instead of saying so.
///
/// The text is copied; at most CGTextLimit bytes. Returns 0 or a negative errno; EBUSY while one is in force.
int cg_trap(int descriptor, const uint8_t *text, size_t count, int exitStatus);

/// Puts the former handlers back.
void cg_untrap(void);
// A file that is mapped and then cut by somebody else takes its last pages with it. A process that may handle signals can
// have zeros in their place and a mark at the map, so that whoever reads ends with an error and not the process.

/// A map of a file that others may change.
typedef struct CGMap CGMap;

/// From now on a bus error inside a map that was added puts zeros in the place of the lost page and all behind it, and
/// marks the map. A watch of the same bytes (`cg_watch`) comes first. Installs a handler for the whole process and for
/// good: for programs, and for libraries only where their host asks. Returns 0 or a negative errno.
int cg_recover(void);

/// Adds a map, without a handler. NULL when there is no memory for it; a path is cut to CGPathLimit - 1 bytes.
CGMap *cg_map_add(const void *start, size_t byteCount, const char *path);

/// Whether pages of the map were lost, so that what was read of it may be zeros.
bool cg_map_is_cut(const CGMap *map);

/// Must come before the bytes are unmapped.
void cg_map_remove(CGMap *map);

/// The path of the first map in this process that lost pages; NULL where none did.
const char *cg_cut_path(void);

#endif
