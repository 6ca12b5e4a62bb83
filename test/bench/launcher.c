// A box in C: the system calls of nsgen's ffi backend, in the same order, and nothing besides. What it takes is what
// the kernel takes; bench.ts compares nsgen with it, bench.test.ts its calls and its world with nsgen's.
//
//   launcher {named|default} COMMAND [ARGUMENT...]         runs COMMAND in a box, and ends with its status
//   launcher {named|default} --loop COMMAND [ARGUMENT...]  for each number N read from stdin, runs N boxes one after
//                                                          the other and prints the nanoseconds of each, from the
//                                                          start to the end, in one line
//
// named: new pid, mount, uts and ipc namespaces and a /proc; default: nsgen's default box for root, which adds net (with
// the loopback interface up) and cgroup.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIGNAL_SET_SIZE 8

// The kernel's own layouts: glibc's sigset_t and struct sigaction are others.
typedef unsigned long signal_set;
static const struct {
  void *handler;
  unsigned long flags;
  void *restorer;
  signal_set mask;
} default_action;
static const signal_set all_signals = ~0UL, no_signals = 0;

static char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
                                    NULL};

static int own_pidfd, with_net;
static struct rlimit descriptors;
static char **command;

static void insist(int good) {
  if (!good) _exit(125);
}

// What the child does. It shares memory and stack with its parent, which is stopped until it calls execve(2).
__attribute__((noinline, noreturn)) static void become_command(void) {
  insist(syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL) == 0);
  struct pollfd parent = {own_pidfd, POLLIN, 0};
  struct timespec at_once = {0, 0};
  insist(syscall(SYS_ppoll, &parent, 1, &at_once, NULL, SIGNAL_SET_SIZE) == 0);
  insist(syscall(SYS_setsid) >= 0);
  syscall(SYS_umask, 022);
  insist(syscall(SYS_mount, "none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  insist(syscall(SYS_mount, "proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0);
  if (with_net) {
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int socket = syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    insist(socket >= 0);
    insist(syscall(SYS_ioctl, socket, SIOCSIFFLAGS, &loopback) == 0);
    syscall(SYS_close, socket);
  }
  for (int stream = 0; stream < 3; stream++) insist(syscall(SYS_fcntl, stream, F_SETFD, 0) == 0);
  for (int stream = 0; stream < 3; stream++) {
    int off = 0;
    insist(syscall(SYS_ioctl, stream, FIONBIO, &off) == 0);
  }
  insist(syscall(SYS_close_range, 3, ~0U, 0) == 0);
  insist(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &descriptors, NULL) == 0);
  insist(syscall(SYS_rt_sigaction, SIGPIPE, &default_action, NULL, SIGNAL_SET_SIZE) == 0);
  insist(syscall(SYS_rt_sigaction, SIGXFSZ, &default_action, NULL, SIGNAL_SET_SIZE) == 0);
  insist(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, NULL, SIGNAL_SET_SIZE) == 0);
  syscall(SYS_execve, command[0], command, environment);
  _exit(127);
}

// Inline, unlike syscall(2): a child on the same stack must not return from the function that made it.
__attribute__((always_inline)) static inline long clone3(struct clone_args *args) {
#if defined(__x86_64__)
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(SYS_clone3), "D"(args), "S"(CLONE_ARGS_SIZE_VER0)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long number __asm__("x8") = SYS_clone3;
  register long result __asm__("x0") = (long)args;
  register long size __asm__("x1") = CLONE_ARGS_SIZE_VER0;
  __asm__ volatile("svc 0" : "+r"(result) : "r"(number), "r"(size) : "memory");
  return result;
#else
#error "x86-64 and arm64 only"
#endif
}

__attribute__((noinline)) static pid_t start_box(void) {
  signal_set mask;
  struct clone_args args = {.flags = CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND | CLONE_NEWIPC | CLONE_NEWNS |
                                     CLONE_NEWPID | CLONE_NEWUTS | (with_net ? CLONE_NEWCGROUP | CLONE_NEWNET : 0),
                            .exit_signal = SIGCHLD};
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all_signals, &mask, SIGNAL_SET_SIZE);
  long pid = clone3(&args);
  if (pid == 0) become_command();
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, SIGNAL_SET_SIZE);
  return pid;
}

static int run_box(void) {
  int status;
  pid_t pid = start_box();
  if (pid < 0 || wait4(pid, &status, 0, NULL) != pid) {
    perror("launcher");
    exit(125);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void loop(void) {
  char line[32];
  while (fgets(line, sizeof line, stdin) != NULL) {
    for (int left = atoi(line); left > 0; left--) {
      long long start = now();
      int status = run_box();
      printf("%lld ", now() - start);
      if (status != 0) {
        fprintf(stderr, "launcher: %s: status %d\n", command[0], status);
        exit(125);
      }
    }
    printf("\n");
    fflush(stdout);
  }
}

int main(int argc, char **argv) {
  int looped = argc > 2 && strcmp(argv[2], "--loop") == 0;
  if (argc < 3 + looped || (strcmp(argv[1], "named") != 0 && strcmp(argv[1], "default") != 0)) {
    fputs("usage: launcher {named|default} [--loop] COMMAND [ARGUMENT...]\n", stderr);
    return 2;
  }
  // As Node does, for the box to undo.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  with_net = strcmp(argv[1], "default") == 0;
  command = argv + 2 + looped;
  own_pidfd = syscall(SYS_pidfd_open, getpid(), 0);
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max < 1024 ? descriptors.rlim_max : 1024;
  if (!looped) return run_box();
  loop();
  return 0;
}
