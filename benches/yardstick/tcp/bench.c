/* The exchange of the yardstick over TCP on loopback: a device, a bare loop that talks to it, and the stopwatch.
 *
 *   bench ROUNDS N COMMAND [ARG ...]
 *
 * In each round the bare loop and the command do the same in turn: connect to the device, send "AT\r", wait for "OK\r\n",
 * N times. In COMMAND, %p becomes HOST:PORT and %n becomes N. The device answers "AT\r" with "AT\r\r\nOK\r\n" at once.
 *
 * It prints a line for each run (time from the first command to the last, and the time of the processor that the process
 * took for everything), and the medians with their ratios. Only the C library and the kernel are used.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what) {
    perror(what);
    exit(2);
}

static double now(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static void at_once(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* ---- the device --------------------------------------------------------- */

/* What it saw of the client before: read when that has gone. */
static double first, last;
static long count;
static int listener;

static void serve(int fd) {
    char buf[4096];
    at_once(fd);
    count = 0;
    for (;;) {
        ssize_t n = read(fd, buf, sizeof buf);
        if (n <= 0) break;
        for (ssize_t i = 0; i < n; i++)
            if (buf[i] == '\r') {
                last = now();
                if (!count++) first = last;
                if (write(fd, "AT\r\r\nOK\r\n", 9) != 9) break;
            }
    }
    close(fd);
}

static void *device(void *unused) {
    (void)unused;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0) serve(fd);
    }
    return NULL;
}

/* ---- the bare loop ------------------------------------------------------ */

static void loop(int port, long n) {
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    char buf[4096];
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(fd, (struct sockaddr *)&to, sizeof to);
    at_once(fd);
    struct pollfd p = { fd, POLLOUT, 0 };
    if (poll(&p, 1, 10000) <= 0) die("connect");
    p.events = POLLIN;
    for (long i = 0; i < n; i++) {
        size_t have = 0;
        if (write(fd, "AT\r", 3) != 3) die("write");
        do {
            if (poll(&p, 1, 10000) <= 0) die("poll");
            ssize_t k = read(fd, buf + have, sizeof buf - have);
            if (k <= 0) die("read");
            have += (size_t)k;
        } while (!memmem(buf, have, "OK\r\n", 4));
    }
    close(fd);
}

/* ---- the stopwatch ------------------------------------------------------ */

struct figures { double wall, cpu; };

/* Replaces %p and %n in an argument. */
static char *filled(const char *text, int port, long n) {
    char *out = NULL;
    size_t size;
    FILE *to = open_memstream(&out, &size);
    for (; *text; text++) {
        if (text[0] == '%' && text[1] == 'p') { fprintf(to, "127.0.0.1:%d", port); text++; }
        else if (text[0] == '%' && text[1] == 'n') { fprintf(to, "%ld", n); text++; }
        else fputc(*text, to);
    }
    fclose(to);
    return out;
}

static struct figures measured(int port, long n, char **command) {
    struct rusage used;
    int status;
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
        if (!command) { loop(port, n); _exit(0); }
        for (char **word = command; *word; word++) *word = filled(*word, port, n);
        execvp(command[0], command);
        die(command[0]);
    }
    if (wait4(pid, &status, 0, &used) != pid || status != 0) {
        fprintf(stderr, "%s failed\n", command ? command[0] : "the bare loop");
        exit(3);
    }
    /* The device closes after the client; it has seen all commands by then. */
    usleep(20000);
    if (count != n) { fprintf(stderr, "the device got %ld commands, not %ld\n", count, n); exit(3); }
    struct figures f = { last - first,
                         (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                             (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6 };
    return f;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n) {
    qsort(values, (size_t)n, sizeof *values, by_size);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

int main(int argc, char **argv) {
    int rounds = argc > 3 ? atoi(argv[1]) : 0;
    long n = argc > 3 ? atol(argv[2]) : 0;
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t size = sizeof at;
    pthread_t thread;
    if (rounds < 1 || n < 2) {
        fprintf(stderr, "usage: bench ROUNDS N COMMAND [ARG ...]\n");
        return 2;
    }
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 8)) die("listen");
    getsockname(listener, (struct sockaddr *)&at, &size);
    pthread_create(&thread, NULL, device, NULL);

    double *wall[2], *cpu[2], *ratio[2];
    for (int who = 0; who < 2; who++) {
        wall[who] = calloc((size_t)rounds, sizeof(double));
        cpu[who] = calloc((size_t)rounds, sizeof(double));
        ratio[who] = calloc((size_t)rounds, sizeof(double));
    }
    for (int round = 0; round < rounds; round++) {
        for (int who = 0; who < 2; who++) {
            struct figures f = measured(ntohs(at.sin_port), n, who ? argv + 3 : NULL);
            wall[who][round] = f.wall;
            cpu[who][round] = f.cpu;
            printf("%-9s %2d   time %.3f s   CPU %.3f s\n", who ? "command" : "bare loop", round + 1, f.wall, f.cpu);
            fflush(stdout);
        }
        ratio[0][round] = wall[1][round] / wall[0][round];
        ratio[1][round] = cpu[1][round] / cpu[0][round];
    }
    double time_of_both = median(wall[1], rounds) / median(wall[0], rounds);
    double cpu_of_both = median(cpu[1], rounds) / median(cpu[0], rounds);
    printf("ratio of the medians: time %.2f, CPU %.2f; median of the ratios: time %.2f, CPU %.2f\n", time_of_both,
           cpu_of_both, median(ratio[0], rounds), median(ratio[1], rounds));
    return 0;
}
