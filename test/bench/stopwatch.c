// Times one command from outside: runs it with its output thrown away, and prints the nanoseconds from fork(2) to its
// end, the nanoseconds of processor time that it and its own children took, and its exit status.
//
//   stopwatch COMMAND [ARGUMENT...]
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long nanoseconds(struct timeval time) { return time.tv_sec * 1000000000LL + time.tv_usec * 1000LL; }

int main(int argc, char **argv) {
  if (argc < 2) {
    fputs("usage: stopwatch COMMAND [ARGUMENT...]\n", stderr);
    return 2;
  }
  long long start = now();
  pid_t pid = vfork();
  if (pid == 0) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2) execv(argv[1], argv + 1);
    _exit(127);
  }
  int status;
  struct rusage usage;
  if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
    perror("stopwatch");
    return 1;
  }
  long long end = now();
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  printf("%lld %lld %d\n", end - start, nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime), code);
  return 0;
}
