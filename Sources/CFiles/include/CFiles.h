// The few calls on files that the C library's headers do not show to Swift.

#ifndef POLYMATH_CFILES_H
#define POLYMATH_CFILES_H

/// Gives what stands at `from` the name `to`, in one step, unless something stands at `to`: a file, a folder, a link
/// that leads nowhere.
///
/// Returns 0, or the system's error number: EEXIST where something is there; ENOSYS or EINVAL where the system or the
/// file system cannot promise it, and nothing was done.
int cf_rename_to_free_name(const char *from, const char *to);

/// Whether another file system, or another part of one, is mounted at `path`; 0 where the system does not say.
int cf_is_mount_point(const char *path);

#endif
