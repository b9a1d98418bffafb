/* The report of a crash: signal, registers, stack, the running command, and some figures. Everything here runs in
 * a signal handler of a process that is broken: it writes with dprintf and backtrace_symbols_fd only, takes no
 * lock and allocates nothing, and a second crash inside ends the process silently. */
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/clock.h"
#include "net/net.h"
#include "server/server_impl.h"
#include "engine/version.h"

#define CRASH_FRAMES_MAX  100
#define CRASH_STACK_BYTES (64 * 1024)

/* The kernel hands a signal handler nothing that leads to the server. */
static struct server *crash_server;

static void print_registers(int fd, const ucontext_t *u)
{
#if defined(__x86_64__)
    static const struct {
        const char *name;
        int index;
    } regs[] = {{"rax", REG_RAX}, {"rbx", REG_RBX}, {"rcx", REG_RCX}, {"rdx", REG_RDX},
                {"rdi", REG_RDI}, {"rsi", REG_RSI}, {"rbp", REG_RBP}, {"rsp", REG_RSP},
                {"r8", REG_R8},   {"r9", REG_R9},   {"r10", REG_R10}, {"r11", REG_R11},
                {"r12", REG_R12}, {"r13", REG_R13}, {"r14", REG_R14}, {"r15", REG_R15},
                {"rip", REG_RIP}, {"efl", REG_EFL}};
    for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
        dprintf(fd, "%-3s %016llx%s", regs[i].name,
                (unsigned long long)u->uc_mcontext.gregs[regs[i].index], i % 4 == 3 ? "\n" : "  ");
    dprintf(fd, "\n");
#elif defined(__aarch64__)
    for (int i = 0; i < 31; i++)
        dprintf(fd, "x%-2d %016llx%s", i, (unsigned long long)u->uc_mcontext.regs[i],
                i % 4 == 3 ? "\n" : "  ");
    dprintf(fd, "\nsp  %016llx  pc  %016llx\n", (unsigned long long)u->uc_mcontext.sp,
            (unsigned long long)u->uc_mcontext.pc);
#else
    (void)u;
    dprintf(fd, "(not known how to read on this machine)\n");
#endif
}

static void print_figures(int fd, const struct server *s)
{
    dprintf(fd, "\n------ FIGURES ------\n");
    dprintf(fd, "corsac_version:%s\ngit_sha:%s\nprocess_id:%d\nuptime_in_seconds:%lld\n",
            corsac_version, corsac_git_sha, (int)getpid(),
            (long long)((clock_mono_us() - s->start_us) / 1000000));
    if (s->engine)
        dprintf(fd, "connected_clients:%zu\nblocked_clients:%zu\ntotal_commands_processed:%llu\n",
                s->net ? net_clients(s->net) : 0, engine_sessions_blocked(s->engine),
                (unsigned long long)engine_stats(s->engine)->commands);
    size_t peak = 0, rss = 0;
    if (s->admin)
        admin_memory(s->admin, &peak, &rss);
    dprintf(fd, "used_memory_peak:%zu\nused_memory_rss:%zu\nshards:%lld\n", peak, rss,
            (long long)s->config.shards);
}

static void print_report(int fd, int sig, const siginfo_t *info, void *context)
{
    const struct server *s = crash_server;
    void *frames[CRASH_FRAMES_MAX];

    dprintf(fd, "\n=== CORSAC BUG REPORT START ===\n");
    dprintf(fd, "Corsac %s (%s) crashed by signal: %d (%s), si_code: %d\n", corsac_version,
            corsac_git_sha, sig, strsignal(sig), info->si_code);
    if (info->si_code <= 0)
        dprintf(fd, "Killed by PID: %d, UID: %d\n", (int)info->si_pid, (int)info->si_uid);
    else
        dprintf(fd, "Accessing address: %p\n", info->si_addr);

    dprintf(fd, "\n------ STACK TRACE ------\n");
    int n = backtrace(frames, CRASH_FRAMES_MAX);
    backtrace_symbols_fd(frames, n, fd);

    dprintf(fd, "\n------ REGISTERS ------\n");
    print_registers(fd, context);

    dprintf(fd, "\n------ RUNNING COMMAND ------\n");
    if (s->engine && engine_running(s->engine))
        dprintf(fd, "%s\n", engine_running(s->engine)->full_name);
    if (s->engine)
        engine_crash_report(s->engine, fd);
    print_figures(fd, s);
    dprintf(fd,
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

    /* A stack of its own, for the crash may be that the stack is full. */
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
