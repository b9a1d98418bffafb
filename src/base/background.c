#include "base/background.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#define BACKGROUND_NICE 19 /* more than the process: a seventieth of the weight */

void background_enter(void)
{
    /* Linux counts both as the thread's own. The first has it not preempt others when it is woken, which a
     * lower priority alone does not. */
    struct sched_param none = {0};
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
    id_t thread = (id_t)gettid();
    (void)setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + BACKGROUND_NICE);
}
