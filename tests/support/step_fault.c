/* Loaded into the program under test (LD_PRELOAD): ends it with SIGKILL just before or after the N-th of its file
   operations on one thread, lets that thread hang there, or takes inotify away.

     STEP_THREAD  the thread, by its name
     STEP_KILL    which operation, counted from 0: 2n before the n-th, 2n + 1 after it
     STEP_HANG    a file: while it is there, every operation of that thread waits, as on a share that doesn't answer;
                  FILE.met is there from the first one on
     STEP_BLIND   set: the kernel has no inotify */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long steps;

static void mark(const char* hang) {
  char path[4096];
  snprintf(path, sizeof path, "%s.met", hang);
  const int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file >= 0) close(file);
}

static void step(void) {
  const char* thread = getenv("STEP_THREAD");
  const char* at = getenv("STEP_KILL");
  const char* hang = getenv("STEP_HANG");
  char name[16] = "";
  if (thread == NULL || prctl(PR_GET_NAME, name) != 0 || strcmp(name, thread) != 0) return;
  while (hang != NULL && access(hang, F_OK) == 0) {
    mark(hang);
    usleep(20000);
  }
  if (at != NULL && atomic_fetch_add(&steps, 1) == atol(at)) kill(getpid(), SIGKILL);
}

#define WRAP(type, name, parameters, arguments)                                  \
  type name parameters {                                                         \
    static type(*real) parameters;                                               \
    if (real == NULL) real = (type(*) parameters)dlsym(RTLD_NEXT, #name);        \
    step();                                                                      \
    const type result = real arguments;                                          \
    const int error = errno;                                                     \
    step();                                                                      \
    errno = error;                                                               \
    return result;                                                               \
  }

WRAP(int, renameat2, (int from, const char* name, int to, const char* new_name, unsigned flags),
     (from, name, to, new_name, flags))
WRAP(int, unlinkat, (int folder, const char* name, int flags), (folder, name, flags))
WRAP(int, mkdirat, (int folder, const char* name, mode_t mode), (folder, name, mode))
WRAP(int, fsync, (int file), (file))
WRAP(int, fdatasync, (int file), (file))
WRAP(ssize_t, pread, (int file, void* bytes, size_t size, off_t offset), (file, bytes, size, offset))
WRAP(ssize_t, pwrite64, (int file, const void* bytes, size_t size, off64_t offset), (file, bytes, size, offset))
WRAP(ssize_t, write, (int file, const void* bytes, size_t size), (file, bytes, size))

int inotify_init1(int flags) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "inotify_init1");
  if (getenv("STEP_BLIND") == NULL) return real(flags);
  errno = EMFILE;
  return -1;
}
