/* The report of a crash: signal, stack, registers, the running command, and some figures. Everything here runs in a
 * signal handler of a process that is broken: it writes with base/raw.h and backtrace_symbols_fd only, takes no lock
 * and allocates nothing, and a second crash inside ends the process silently. */
#include <execinfo.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/clock.h"
#include "base/raw.h"
#include "net/net.h"
#include "server/server_impl.h"
#include "engine/version.h"

#define CRASH_FRAMES_MAX  100
#define CRASH_STACK_BYTES (64 * 1024)

/* The kernel hands a signal handler nothing that leads to the server. */
static struct server *crash_server;

#if defined(__x86_64__)
static void print_registers(int fd, const ucontext_t *u)
{
    static const struct {
        const char *name; /* of three characters */
        int index;
    } regs[] = {{"rax", REG_RAX}, {"rbx", REG_RBX}, {"rcx", REG_RCX}, {"rdx", REG_RDX},
                {"rdi", REG_RDI}, {"rsi", REG_RSI}, {"rbp", REG_RBP}, {"rsp", REG_RSP},
                {"r8 ", REG_R8},  {"r9 ", REG_R9},  {"r10", REG_R10}, {"r11", REG_R11},
                {"r12", REG_R12}, {"r13", REG_R13}, {"r14", REG_R14}, {"r15", REG_R15},
                {"rip", REG_RIP}, {"efl", REG_EFL}};
    for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
        raw_text(fd, regs[i].name);
        raw_text(fd, " ");
        raw_hex(fd, (uint64_t)u->uc_mcontext.gregs[regs[i].index], 16);
        raw_text(fd, i % 4 == 3 ? "\n" : "  ");
    }
    raw_text(fd, "\n");
}
#elif defined(__aarch64__)
static void print_registers(int fd, const ucontext_t *u)
{
    for (int i = 0; i < 31; i++) {
        raw_text(fd, "x");
        raw_uint(fd, (uint64_t)i);
        raw_text(fd, i < 10 ? "  " : " ");
        raw_hex(fd, (uint64_t)u->uc_mcontext.regs[i], 16);
        raw_text(fd, i % 4 == 3 ? "\n" : "  ");
    }
    raw_text(fd, "\nsp  ");
    raw_hex(fd, (uint64_t)u->uc_mcontext.sp, 16);
    raw_text(fd, "  pc  ");
    raw_hex(fd, (uint64_t)u->uc_mcontext.pc, 16);
    raw_text(fd, "\n");
}
#else
static void print_registers(int fd, const ucontext_t *u)
{
    (void)u;
    raw_text(fd, "(not known how to read on this machine)\n");
}
#endif

static void print_figure(int fd, const char *name, int64_t value)
{
    raw_text(fd, name);
    raw_text(fd, ":");
    raw_int(fd, value);
    raw_text(fd, "\n");
}

static void print_figures(int fd, const struct server *s)
{
    size_t peak = 0, rss = 0;
    if (s->admin)
        admin_memory(s->admin, &peak, &rss);
    raw_text(fd, "\n------ FIGURES ------\ncorsac_version:");
    raw_text(fd, corsac_version);
    raw_text(fd, "\ngit_sha:");
    raw_text(fd, corsac_git_sha);
    raw_text(fd, "\n");
    print_figure(fd, "process_id", getpid());
    print_figure(fd, "uptime_in_seconds", (clock_mono_us() - s->start_us) / 1000000);
    if (s->engine) {
        print_figure(fd, "connected_clients", s->net ? (int64_t)net_clients(s->net) : 0);
        print_figure(fd, "blocked_clients", (int64_t)engine_sessions_blocked(s->engine));
        print_figure(fd, "total_commands_processed", (int64_t)engine_stats(s->engine)->commands);
    }
    print_figure(fd, "used_memory_peak", (int64_t)peak);
    print_figure(fd, "used_memory_rss", (int64_t)rss);
    print_figure(fd, "shards", s->config.shards);
}

/* strsignal() may allocate, and looks up a translation. */
static const char *signal_name(int sig)
{
    switch (sig) {
    case SIGSEGV: return "Segmentation fault";
    case SIGBUS: return "Bus error";
    case SIGFPE: return "Floating point exception";
    case SIGILL: return "Illegal instruction";
    case SIGABRT: return "Aborted";
    default: return "?";
    }
}

static void print_signal(int fd, int sig, const siginfo_t *info)
{
    raw_text(fd, "Corsac ");
    raw_text(fd, corsac_version);
    raw_text(fd, " (");
    raw_text(fd, corsac_git_sha);
    raw_text(fd, ") crashed by signal: ");
    raw_int(fd, sig);
    raw_text(fd, " (");
    raw_text(fd, signal_name(sig));
    raw_text(fd, "), si_code: ");
    raw_int(fd, info->si_code);
    if (info->si_code <= 0) {
        raw_text(fd, "\nKilled by PID: ");
        raw_int(fd, info->si_pid);
        raw_text(fd, ", UID: ");
        raw_int(fd, info->si_uid);
    } else {
        raw_text(fd, "\nAccessing address: 0x");
        raw_hex(fd, (uintptr_t)info->si_addr, 1);
    }
    raw_text(fd, "\n");
}

static void print_report(int fd, int sig, const siginfo_t *info, void *context)
{
    const struct server *s = crash_server;
    void *frames[CRASH_FRAMES_MAX];

    raw_text(fd, "\n=== CORSAC BUG REPORT START ===\n");
    print_signal(fd, sig, info);

    raw_text(fd, "\n------ STACK TRACE ------\n");
    int n = backtrace(frames, CRASH_FRAMES_MAX);
    backtrace_symbols_fd(frames, n, fd);

    raw_text(fd, "\n------ REGISTERS ------\n");
    print_registers(fd, context);

    raw_text(fd, "\n------ RUNNING COMMAND ------\n");
    if (s->engine)
        engine_crash_report(s->engine, fd);
    print_figures(fd, s);
    raw_text(fd,
             "\n=== CORSAC BUG REPORT END. Please send the lines above with a bug report. ===\n");
}

static void on_crash(int sig, siginfo_t *info, void *context)
{
    const struct server *s = crash_server;
    if (s->config.crash_log)
        print_report(s->logger.fd >= 0 ? s->logger.fd : STDERR_FILENO, sig, info, context);
    raise(sig); /* SA_RESETHAND: as if there had been no handler */
}

void crash_init(struct server *s)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    crash_server = s;

    /* The first call loads a library, which a broken process could not. */
    void *frame[1];
    backtrace(frame, 1);

    /* The handlers have a stack of their own, as a full stack may be the reason of the crash. */
    stack_t stack = {.ss_size = CRASH_STACK_BYTES};
    stack.ss_sp =
        mmap(NULL, CRASH_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.ss_sp != MAP_FAILED)
        sigaltstack(&stack, NULL);

    struct sigaction act = {.sa_sigaction = on_crash,
                            .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &act, NULL);
}
